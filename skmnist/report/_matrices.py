"""Pictures of matrices: the confusion matrix, and a heat map of two parameters."""

from skmnist.displays._names import label_names, use_fonts

# With more classes the counts in a confusion matrix would be illegible.
_MOST_CLASSES_WITH_COUNTS = 20
# With more classes, some are not labelled.
_MOST_LABELS = 30


def label_classes(classes):
    """Return the labels of classes in pictures."""
    return label_names(classes, 12, "class")


def label_step(n_classes):
    """Return k if the confusion matrix labels every k-th class."""
    return -(-n_classes // _MOST_LABELS)


def confusion_matrix_height(classes):
    """Return the height in inches of a legible picture of the confusion matrix."""
    labels = label_classes(classes)
    return 4 if len(labels) <= 12 and _length(labels) <= 64 else 6


def draw_confusion_matrix(ax, counts, classes, noun):
    """Draw the confusion matrix; of many classes without counts, and some labels.

    Parameters
    ----------
    ax : matplotlib Axes
    counts : ndarray of int of shape (n_classes, n_classes)
        True classes in rows.
    classes : array-like of shape (n_classes,)
    noun : {"image", "sample"}
    """
    from matplotlib.colors import PowerNorm
    from sklearn.metrics import ConfusionMatrixDisplay

    labels, n_classes = label_classes(classes), len(classes)
    shown = range(0, n_classes, label_step(n_classes))
    is_vertical = _length(labels) > 32
    has_counts = n_classes <= _MOST_CLASSES_WITH_COUNTS
    # Of a cell, in points: the picture without title, label and labels of classes.
    room = 72 * confusion_matrix_height(classes) - 75
    room = (room - 6 * is_vertical * max(map(len, labels))) / n_classes
    n_digits = len(str(max(map(max, counts))))
    display = ConfusionMatrixDisplay(counts, display_labels=labels).plot(
        ax=ax,
        cmap="Blues",
        # On a linear scale, only the diagonal of a good model would be visible.
        im_kw={"norm": PowerNorm(0.4, vmin=0)},
        include_values=has_counts,
        text_kw={"fontsize": min(9, room / (0.7 * n_digits))},
        values_format="d",
        colorbar=False,
    )
    shown_labels, size = [labels[i] for i in shown], 10 if has_counts else 7
    rotation = "vertical" if is_vertical else "horizontal"
    ax.set_xticks(shown, shown_labels, fontsize=size, rotation=rotation)
    ax.set_yticks(shown, shown_labels, fontsize=size)
    if not has_counts:
        ax.figure.colorbar(display.im_, ax=ax, shrink=0.75, label=f"Number of {noun}s")
    ax.set(
        title=f"Confusion matrix, out of fold ({noun}s)",
        xlabel="Predicted class",
        ylabel="True class",
    )
    use_fonts(ax)


def _length(labels):
    """Return the length of a row of labels, each as long as the longest."""
    return len(labels) * max(map(len, labels))

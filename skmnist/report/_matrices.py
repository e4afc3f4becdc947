"""Pictures of matrices: the confusion matrix, and a heat map of two parameters."""

import numpy as np

from skmnist.displays._names import label_names, numbered_names, use_fonts
from skmnist.displays._style import STYLES

# With more classes the counts in a confusion matrix would be illegible.
_MOST_CLASSES_WITH_COUNTS = 20
# With more classes, some are not labelled.
_MOST_LABELS = 30
# Of the label of a class, in characters.
_WIDTH = 12


def label_classes(classes):
    """Return the labels of classes in pictures."""
    return label_names(classes, _WIDTH, "class")


def has_counts(n_classes):
    """Return whether the confusion matrix shows the counts."""
    return n_classes <= _MOST_CLASSES_WITH_COUNTS


def numbered_classes(classes):
    """Return the names of classes that pictures number, by their labels."""
    return numbered_names(classes, _WIDTH, "class")


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
    legible = has_counts(n_classes)
    # Of a cell, in points: the picture without title, label and labels of classes.
    room = 72 * confusion_matrix_height(classes) - 75
    room = (room - 6 * is_vertical * max(map(len, labels))) / n_classes
    n_digits = len(str(max(map(max, counts))))
    display = ConfusionMatrixDisplay(counts, display_labels=labels).plot(
        ax=ax,
        cmap="Blues",
        # On a linear scale, only the diagonal of a good model would be visible.
        im_kw={"norm": PowerNorm(0.4, vmin=0)},
        include_values=legible,
        text_kw={"fontsize": min(9, room / (0.7 * n_digits))},
        values_format="d",
        colorbar=False,
    )
    shown_labels, size = [labels[i] for i in shown], 10 if legible else 7
    rotation = "vertical" if is_vertical else "horizontal"
    ax.set_xticks(shown, shown_labels, fontsize=size, rotation=rotation)
    ax.set_yticks(shown, shown_labels, fontsize=size)
    if not legible:
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


def draw_heat_map(ax, table, *, best, title, quantity, in_percent):
    """Draw scores by the values of two parameters; missing ones leave blank cells.

    Parameters
    ----------
    ax : matplotlib Axes
    table : DataFrame
        Scores by the values of a parameter in the index and another in the columns,
        whose names are those of the parameters.
    best : tuple
        Label of the row and of the column to outline.
    title, quantity : str
        Of the picture, and of the scores.
    in_percent : bool
        Whether the scores are fractions to show in percent.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    scores = table.to_numpy(dtype=float) * (100 if in_percent else 1)
    # Without the palest colours, which would look like a blank cell.
    colors = ListedColormap(colormaps["Blues"](np.linspace(0.15, 0.95, 256)))
    image = ax.imshow(scores, cmap=colors, aspect="auto")
    for axis, names in ((ax.xaxis, table.columns), (ax.yaxis, table.index)):
        labels = label_names(names, _WIDTH, "value")
        step = label_step(len(labels))
        axis.set_ticks(range(0, len(labels), step), labels[::step])
        axis.set_label_text(label_names([names.name], 60, "parameter")[0])
    if sum(len(str(name)) for name in table.columns) > 50:
        ax.tick_params(axis="x", rotation=90)
    if table.shape[0] <= 12 and table.shape[1] <= 10:
        form = "{:.1f}" if in_percent else "{:.3g}"
        _write_scores(ax, scores, form, image)
    else:
        ax.figure.colorbar(image, ax=ax, label=quantity)
    row, column = table.index.get_loc(best[0]), table.columns.get_loc(best[1])
    ax.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5),
            1,
            1,
            fill=False,
            edgecolor=STYLES["validation"]["color"],
            linewidth=3,
            label="Best combination",
        )
    )
    ax.set_title(label_names([title], 70, "Heat map")[0])
    use_fonts(ax)


def _write_scores(ax, scores, form, image):
    """Write the scores in the cells of a heat map."""
    for row, column in zip(*np.nonzero(np.isfinite(scores)), strict=True):
        score = scores[row, column]
        # The luminance of WCAG, below which white has more contrast than black.
        rgb = np.array(image.cmap(image.norm(score))[:3]) ** 2.2
        is_dark = rgb @ [0.2126, 0.7152, 0.0722] < 0.18
        ax.text(
            column,
            row,
            form.format(score),
            ha="center",
            va="center",
            color="white" if is_dark else "black",
            fontsize=9,
        )

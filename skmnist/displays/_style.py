"""What the pictures share: colours, axes, labels."""

from sklearn.utils._optional_dependencies import check_matplotlib_support

# Of Okabe and Ito's palette, which colour-blind readers can tell apart; markers and
# line styles say the same a second time.
STYLES = {
    "reference": {"color": "#555555", "marker": "D"},
    "train": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "validation": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
}


def prepare_axes(ax, display):
    """Return the axes to draw on, and note them on the display as scikit-learn does."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def label_scores(ax, quantity):
    """Name the y axis of accuracies (fractions, shown in percent) or of losses."""
    from matplotlib.ticker import PercentFormatter

    if quantity == "accuracy":
        ax.set_ylabel("Accuracy (%)")
        ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    else:
        ax.set_ylabel("Cross-entropy loss (nats)")


def band_handle(label):
    """Return what a legend shows for a band."""
    from matplotlib.patches import Patch

    return Patch(facecolor="#999999", alpha=0.4, label=label)


def readable(text, width):
    """Cut a name to fit a picture, and keep it from being read as a formula."""
    text = text if len(text) <= width else text[: width - 1] + "…"
    return text.replace("$", r"\$")

"""What the pictures share: colours, axes, labels, and a mean with its band."""

from sklearn.utils._optional_dependencies import check_matplotlib_support

# From Okabe and Ito's palette, which colour-blind readers can distinguish. Markers and
# line styles carry the same information.
STYLES = {
    "reference": {"color": "#555555", "marker": "D"},
    "train": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "validation": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    "test": {"color": "#009E73", "marker": "^"},
}
# For further displays on the same axes: Okabe and Ito's others, a pair at a time.
_FURTHER_COLORS = {
    "train": ("#56B4E9", "#009E73"),
    "validation": ("#E69F00", "#CC79A7"),
}
#: What the two sides of a split are called in a legend.
SIDES = {"train": "Training", "validation": "Validation"}


def prepare_axes(ax, display):
    """Return the axes to draw on, and set a display's `ax_` and `figure_`."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def new_color(ax, side):
    """Return a colour of a side that the lines of axes do not have yet.

    Parameters
    ----------
    ax : matplotlib Axes
    side : {"train", "validation"}

    Returns
    -------
    color : str
        The first one, if they have all.
    """
    used = {line.get_color() for line in ax.get_lines()}
    colors = STYLES[side]["color"], *_FURTHER_COLORS[side]
    return next((color for color in colors if color not in used), colors[0])


def draw_mean(ax, side, x, scores, *, label, band="std"):
    """Draw the mean of scores over folds, and a band around it.

    On axes that have such a line already, it takes another colour.

    Parameters
    ----------
    ax : matplotlib Axes
    side : {"train", "validation"}
    x : array-like of shape (n,)
    scores : DataFrame of shape (n, n_folds)
        NaN for a fold without a score at that x.
    label : str
        Of the line.
    band : {"range", "std"} or None, default="std"
        From the lowest to the highest fold, or one standard deviation (n - 1 in the
        denominator) to either side of the mean.

    Returns
    -------
    line : matplotlib Line2D
    band : matplotlib artist or None
    """
    mean, style = scores.mean(axis=1), STYLES[side] | {"color": new_color(ax, side)}
    (line,) = ax.plot(x, mean, label=label, markersize=4, **style)
    if band is None:
        return line, None
    if band == "range":
        low, high = scores.min(axis=1), scores.max(axis=1)
    else:
        # A single fold has no standard deviation.
        spread = scores.std(axis=1).fillna(0)
        low, high = mean - spread, mean + spread
    fill = ax.fill_between(x, low, high, color=style["color"], alpha=0.2, linewidth=0)
    return line, fill


def add_legend(ax, lines, band="std"):
    """Add a legend of lines, and of what their bands show."""
    edges = {"range": "lowest to highest fold", "std": "±1 standard deviation"}
    handles = [*lines]
    if band is not None:
        from matplotlib.patches import Patch

        text = f"Band: {edges[band]}"
        handles.append(Patch(facecolor="#999999", alpha=0.4, label=text))
    ax.legend(handles=handles)
    ax.grid(alpha=0.3)


def label_scores(ax, quantity):
    """Label the y axis: accuracies are fractions shown in percent, losses nats."""
    from matplotlib.ticker import PercentFormatter

    if quantity == "accuracy":
        ax.set_ylabel("Accuracy (%)")
        ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    elif quantity == "loss":
        ax.set_ylabel("Cross-entropy loss (nats)")
    else:
        ax.set_ylabel(quantity)

"""The plots of the pages of evidence, drawn from docs/_data when the pages are built.

    python docs/studies/plots.py battery

shows one of them. `PLOTS` names all.
"""

import sys
from pathlib import Path
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FormatStrFormatter, PercentFormatter

from skmnist.displays._style import STYLES

DATA = Path(__file__).parents[1] / "_data"
BLUE, ORANGE, GREEN, GREY = (
    STYLES[side]["color"] for side in ("train", "validation", "test", "reference")
)


def read(name):
    return pd.read_csv(DATA / f"{name}.csv")


def axes(width=6.4, height=3.2, columns=1):
    _, ax = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    for each in np.atleast_1d(ax):
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.3)
        each.set_axisbelow(True)
    return ax


def count_right(cells):
    """Return how many of three verdicts each cell such as "2 × good" counts right."""
    parts = cells.str.split(", ").explode()
    right = parts.str.extract(r"^(\d) ×")[0].astype(int)
    return right.where(~parts.str.contains("wrong"), 0).groupby(level=0).sum()


def battery():
    """Fraction of right verdicts on the new half, by truth and tool."""
    table = read("battery_new")
    truths = ["underfit", "overfit", "good"]
    tools = {"diagnose_fit": BLUE, "skore": ORANGE, "deepchecks": GREEN}
    ax = axes()
    for i, (tool, color) in enumerate(tools.items()):
        right = count_right(table[tool]).groupby(table["Truth"]).agg(["sum", "size"])
        right = right.loc[truths]
        share = right["sum"] / (3 * right["size"])
        label = "deepchecks' rule" if tool == "deepchecks" else tool
        x = np.arange(3) + 0.27 * (i - 1)
        bars = ax.bar(x, share, 0.25, color=color, label=label)
        texts = [f"{n}/{3 * m}" for n, m in right.to_numpy()]
        ax.bar_label(bars, texts, fontsize=8, padding=1)
    ax.set_xticks(range(3), [f"Truth: {truth}" for truth in truths])
    ax.set(ylabel="Right verdicts", ylim=(0, 1.1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.grid(visible=False, axis="x")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=3, frameon=False)


def coverage():
    """Coverage of each of the 360 intervals, by quantity."""
    table = read("coverage")
    quantities = ["bias", "gap", "validation error"]
    rng = np.random.default_rng(0)
    ax = axes(height=3)
    for study, color, marker in (("chosen", GREY, "o"), ("shown", BLUE, "^")):
        rows = table[table["study"] == study]
        y = rows["quantity"].map(quantities.index) + rng.uniform(-0.3, 0.3, len(rows))
        x = rows["coverage"] + rng.uniform(-0.004, 0.004, len(rows))
        ax.scatter(
            x, y, s=14, c=color, marker=marker, alpha=0.6, label=f"Study {study}"
        )
    ax.axvline(0.95, color=ORANGE, linestyle="--", label="95 %")
    ax.set_yticks(range(3), [quantity.capitalize() for quantity in quantities])
    ax.set(xlabel="Data sets whose interval contains the truth", ylim=(2.5, -0.5))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(visible=False, axis="y")
    ax.legend(loc="upper left")


def labels():
    """Estimated and true shares of wrong labels; precision and recall of the rows."""
    table = read("labels_flipped")
    left, right = axes(height=3.4, columns=2)
    flipped, share = (
        table[name].str.rstrip("%").astype(float) for name in ("Flipped", "Share")
    )
    left.plot([0, 35], [0, 35], color=GREY, linewidth=1, label="Equal")
    left.scatter(flipped, share, s=16, c=BLUE, alpha=0.6)
    left.set(xlabel="Labels flipped (%)", ylabel="Estimated share, mean (%)")
    left.legend()
    for tool, recall, precision, color, marker in (
        ("cleanlab", "cleanlab recall", "cleanlab precision", ORANGE, "s"),
        ("diagnose_fit", "Recall", "Precision", BLUE, "o"),
    ):
        x, y = table[recall], table[precision]
        right.scatter(x, y, s=16, c=color, marker=marker, alpha=0.6, label=tool)
    ends = (0.45, 1.02)
    right.set(
        xlabel="Recall of the flipped rows", ylabel="Precision", xlim=ends, ylim=ends
    )
    right.legend(loc="lower left")


def accuracy():
    """Test error of each recipe with its interval."""
    table = read("accuracy_table").iloc[::-1].reset_index(drop=True)
    error = table["Test error (%)"]
    ends = table["95 % interval"].str.split(" to ", expand=True).astype(float)
    low, high = ends[0], ends[1]
    peer = table["Recipe"].str.contains("(", regex=False)
    ax = axes(height=4)
    for rows, color, label in ((~peer, BLUE, "skmnist"), (peer, GREY, "scikit-learn")):
        where = np.flatnonzero(rows)
        spread = [error[where] - low[where], high[where] - error[where]]
        ax.errorbar(error[where], where, xerr=spread, fmt="o", color=color, label=label)
    ax.set_yticks(
        range(len(table)), table["Recipe"].str.replace(r"\(.*\)", "", regex=True)
    )
    ax.set_xscale("log")
    ax.set_xticks([0.3, 0.5, 1, 2, 5])
    ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.xaxis.set_minor_formatter("")
    ax.set_xlabel("Error on the 10,000 test images (%), with its 95 % interval")
    ax.legend()


def scaling():
    """Measured against predicted time of each search."""
    table = read("scaling").dropna()
    ax = axes(4.8, 3.6)
    ends = [1, 70]
    ax.plot(ends, ends, color=GREY, linewidth=1, label="As predicted")
    styles = (("threads", BLUE, "o"), ("loky", ORANGE, "s"), ("Dask", GREEN, "^"))
    for backend, color, marker in styles:
        rows = table[table["backend"] == backend]
        ax.plot(rows["predicted"], rows["measured"], marker, color=color, label=backend)
    ax.set(xscale="log", yscale="log", xlabel="Predicted (s)", ylabel="Measured (s)")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks([1, 2, 5, 10, 20, 50])
        axis.set_minor_formatter("")
        axis.set_major_formatter(FormatStrFormatter("%g"))
    ax.legend()


def performance():
    """Time or memory of the peer of each benchmark, divided by that of skmnist."""
    table = read("performance").dropna(subset="Ratio").iloc[::-1]
    memory = table["Peer takes"].str.contains("MB")
    ax = axes(7.5, 7)
    for rows, color, label in ((~memory, BLUE, "Time"), (memory, GREEN, "Memory")):
        where = np.flatnonzero(rows)
        bars = ax.barh(where, table["Ratio"].iloc[where], color=color, label=label)
        ax.bar_label(bars, fmt="%g", padding=2, fontsize=8)
    names = (table["Benchmark"] + "; " + table["Peer"]).map(lambda text: fill(text, 44))
    ax.set_yticks(range(len(table)), names, fontsize=8)
    ax.set(xscale="log", xlim=(1, 70), xlabel="Peer divided by skmnist")
    ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower right")


def backends():
    """Seconds of each fit by backend."""
    table = read("backends")
    ax = axes(7, 3)
    for i, (name, color) in enumerate(
        zip(table.columns[1:], (BLUE, ORANGE, GREEN), strict=True)
    ):
        where = np.arange(len(table)) + 0.27 * (i - 1)
        label = name.removesuffix(" (s)")
        bars = ax.barh(where, table[name], 0.25, color=color, label=label)
        ax.bar_label(bars, fmt="%g", padding=2, fontsize=8)
    names = table["Fit"].map(lambda text: fill(text, 32))
    ax.set_yticks(range(len(table)), names, fontsize=8)
    ax.invert_yaxis()
    ax.set(xscale="log", xlim=(0.1, 40), xlabel="Time (s)")
    ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.grid(visible=False, axis="y")
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, 1.2), ncols=3, frameon=False)


def keras_classes():
    """How many of Keras's classes of each kind train as in Keras."""
    table = read("keras_classes").iloc[::-1]
    outcomes = ["Equal", "Equal, batch by batch", "Refused", "Not compared"]
    ax = axes(height=2.6)
    left = np.zeros(len(table))
    for outcome, color in zip(outcomes, (BLUE, GREEN, ORANGE, GREY), strict=True):
        share = (table[outcome] / table["Classes"]).to_numpy()
        bars = ax.barh(table["Kind"], share, left=left, color=color, label=outcome)
        counts = [str(n) if n else "" for n in table[outcome]]
        ax.bar_label(bars, counts, label_type="center", color="white", fontsize=8)
        left += share
    ax.set(xlabel="Classes", xlim=(0, 1))
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.grid(visible=False, axis="y")
    place = {"loc": "upper center", "bbox_to_anchor": (0.3, 1.22), "ncols": 4}
    ax.legend(**place, frameon=False, fontsize=9, columnspacing=1)


def faults():
    """How many inputs and faults of each kind were tried."""
    table = read("faults").iloc[::-1]
    ax = axes(7, 2.6)
    bars = ax.barh(table["What was tried"], table["Number"], color=BLUE)
    ax.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=8)
    ax.set(xscale="log", xlim=(10, 2e7), xlabel="Number")
    ax.grid(visible=False, axis="y")


PLOTS = (
    accuracy,
    backends,
    battery,
    coverage,
    faults,
    keras_classes,
    labels,
    performance,
    scaling,
)

if __name__ == "__main__":
    {plot.__name__: plot for plot in PLOTS}[sys.argv[1]]()
    plt.show()

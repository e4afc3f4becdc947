"""Draw three inconclusive diagnoses, for docs/how_to/evaluation.rst.

    python docs/studies/inconclusive.py

writes docs/_static/inconclusive.png.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skmnist import diagnose_fit

PICTURE = Path(__file__).parent.parent / "_static" / "inconclusive.png"
CASES = {
    "Too few samples": (SVC(), 300),
    "On the tolerance": (make_pipeline(StandardScaler(), LogisticRegression()), None),
    "Bias and gap both open": (
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01)),
        600,
    ),
}
COLOURS = {"negligible": "#dcefe0", "too large": "#f8dcd6"}


def draw(ax, title, diagnosis):
    """Draw the intervals of bias and gap beside the tolerance, in percent."""
    tolerance = 100 * diagnosis.tolerance
    left, right = -1.5, 5.5
    ax.axvspan(left, tolerance, color=COLOURS["negligible"], zorder=0)
    ax.axvspan(tolerance, right, color=COLOURS["too large"], zorder=0)
    ax.axvline(tolerance, color="black", linewidth=1, linestyle="--")
    for row, estimate in enumerate((diagnosis.gap, diagnosis.bias)):
        numbers = estimate.low, estimate.value, estimate.high
        low, value, high = (100 * number for number in numbers)
        ax.plot([low, high], [row, row], color="black", linewidth=2)
        ax.plot(value, row, "o", color="black", markersize=7)
    ax.set_yticks([0, 1], ["gap", "bias"])
    ax.set(xlim=(left, right), ylim=(-0.6, 1.6), xlabel="percent of the samples")
    ax.set_title(f"{title}\n{diagnosis.n_samples:,} samples", fontsize=11)
    ax.text(tolerance - 0.1, 1.45, "negligible", ha="right", va="top", fontsize=8)
    ax.text(tolerance + 0.1, 1.45, "too large", ha="left", va="top", fontsize=8)


def main():
    """Diagnose, print the sentences, and write the picture."""
    X, y = load_digits(return_X_y=True)
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.8), sharey=True)
    for ax, (title, (clf, n)) in zip(axes, CASES.items(), strict=True):
        diagnosis = diagnose_fit(clf, X[:n], y[:n], reference=0.01, random_state=0)
        assert diagnosis.verdict == "inconclusive", title
        print(f"{title}: {diagnosis.sentence}\n")
        draw(ax, title, diagnosis)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=150)


if __name__ == "__main__":
    main()

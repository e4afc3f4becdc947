"""The gallery's examples run, on few digits, and are what a reader looks for."""

import ast
import importlib
import inspect
import operator
import runpy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils import Bunch

from skmnist import datasets
from skmnist.classifiers._base import BaseKerasClassifier

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.rglob("plot_*.py"))
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
REQUIRED = {
    "plot_dask": "distributed",
    "plot_optuna": "optuna_integration",
    "plot_progress": "sklearn.callback",  # of scikit-learn 1.9
}
# Digits of each class: those that these examples need, and those of the others.
N_PER_CLASS = {
    "plot_diagnosis": 55,
    "plot_learning_curve": 55,
    "plot_rare_classes": 200,
}
FEW = 24
MOST_EPOCHS = 3


def few_of(digits, n_per_class, *, return_X_y=False):
    """Return the first digits of each class, as the loader returns all."""
    rows = [np.flatnonzero(digits.target == digit)[:n_per_class] for digit in range(10)]
    rows = np.sort(np.concatenate(rows))
    few = {name: digits[name][rows] for name in ("data", "images", "target")}
    return (few["data"], few["target"]) if return_X_y else Bunch(**digits | few)


@pytest.fixture
def few_epochs(monkeypatch):
    fit = BaseKerasClassifier._fit

    def fit_briefly(self, X, y, sample_weight, epochs, **options):
        return fit(self, X, y, sample_weight, min(epochs, MOST_EPOCHS), **options)

    monkeypatch.setattr(BaseKerasClassifier, "_fit", fit_briefly)


@pytest.mark.slow
@pytest.mark.tensorflow
@each_example
def test_example_prints_and_draws(path, capsys, monkeypatch, few_epochs):
    pytest.importorskip(REQUIRED.get(path.stem, "sklearn"))
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    n_per_class = N_PER_CLASS.get(path.stem, FEW)
    loader = partial(few_of, datasets.load_digits28(), n_per_class)
    monkeypatch.setattr(datasets, "load_digits28", loader)
    try:
        runpy.run_path(str(path), run_name="__main__")
        assert plt.get_fignums()
    finally:
        plt.close("all")
    assert capsys.readouterr().out.strip()


@each_example
def test_example_is_in_a_section_and_asks_a_question(path):
    assert path.parent.parent == FOLDER
    # sphinx-gallery passes over a folder without it.
    assert (path.parent / "GALLERY_HEADER.rst").is_file()
    _, title, underline, _, intro = ast.get_docstring(
        ast.parse(path.read_text()), clean=False
    ).split("\n", 4)
    assert title.endswith("?")
    assert underline == "=" * len(title)
    assert intro.strip()


def calls_without_a_seed(source):
    """Return the calls that could take a `random_state`, and do not."""
    tree = ast.parse(source)
    imported = {
        alias.name: importlib.import_module(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sk")
        for alias in node.names
    }
    missing = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name, *attributes = ast.unparse(call.func).split(".")
        if name not in imported:
            continue
        function = operator.attrgetter(".".join([name, *attributes]))(imported[name])
        if "random_state" in inspect.signature(function).parameters:
            keywords = {keyword.arg for keyword in call.keywords}
            missing += [] if "random_state" in keywords else [ast.unparse(call)]
    return missing


def test_calls_without_a_seed_are_found():
    source = (
        "from skmnist import EpochCurveDisplay, KerasMLPClassifier, load_digits28\n"
        "load_digits28()\n"
        "KerasMLPClassifier(random_state=0)\n"
        "KerasMLPClassifier()\n"
        "EpochCurveDisplay.from_estimator(clf, X, y)\n"
    )
    assert calls_without_a_seed(source) == [
        "KerasMLPClassifier()",
        "EpochCurveDisplay.from_estimator(clf, X, y)",
    ]


@each_example
def test_example_can_be_repeated(path):
    pytest.importorskip(REQUIRED.get(path.stem, "sklearn"))
    assert not calls_without_a_seed(path.read_text())

"""Pages for users of other packages: their code runs, and what is equal is equal."""

import inspect
import re
import runpy
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.fixes import parse_version

# First, because it undoes what an import of SciKeras changes in Keras.
import skmnist._engine._scikeras  # noqa: F401
from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier

PAGES = Path(__file__).parent.parent / "docs" / "coming_from"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the code of a page and returns its names."""
    monkeypatch.chdir(tmp_path)

    def run(package):
        with warnings.catch_warnings():
            # Keras's, of the builders of old tutorials.
            warnings.filterwarnings("ignore", "Do not pass an `input_shape`")
            return runpy.run_path(str(PAGES / f"from_{package}.py"))

    return run


@pytest.mark.slow
def test_keras_script_and_classifier(run):
    """The script itself compares the losses of both."""
    page = run("keras")
    assert page["clf_accuracy"] > 0.8
    assert page["accuracy"] > 0.8
    assert page["clf_probabilities"].shape == page["probabilities"].shape
    assert len(page["clf_val_accuracy"]) == len(page["val_accuracy"])
    loaded = page["loaded"].predict(page["X_test"])
    np.testing.assert_array_equal(loaded, page["clf_labels"])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_scikeras_classifier_and_ours_are_equal(run):
    page = run("scikeras")
    theirs, ours, X = page["theirs"], page["ours"], page["X"]
    np.testing.assert_allclose(
        page["our_probabilities"], page["their_probabilities"], atol=1e-5
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(
        ours.history_["loss"], theirs.history_["loss"], rtol=1e-4
    )
    np.testing.assert_allclose(
        page["back"].predict_proba(X), page["our_probabilities"], atol=1e-5
    )
    # What the page says of SciKeras.
    assert theirs.predict_proba(X[:1]).shape == (2,)
    with pytest.raises(ValueError, match="float64"):
        theirs.predict(X.astype(np.float64))
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        assert not is_classifier(theirs)


@pytest.mark.slow
def test_keras_wrapper_and_ours_are_equal(run):
    page = run("keras_wrappers")
    np.testing.assert_allclose(
        page["our_probabilities"], page["their_probabilities"], atol=1e-5
    )
    assert clone(page["theirs"]).fit_kwargs is None  # as the page says
    assert np.isfinite(page["scores"]).all()


def gradient_descent(build, **params):
    """A classifier that trains on all samples in one batch, for 3 epochs."""
    return KerasImageClassifier(
        build, optimizer="sgd", batch_size=10**6, epochs=3, **params
    )


def dense(kernels, biases, activation, alpha=0.0):
    """Return a builder of a network with these weights."""
    penalty = keras.regularizers.L2(alpha)

    def build(meta):
        network = keras.Sequential([keras.Input((meta["n_features_in_"],))])
        for kernel, activation_ in zip(kernels, activation, strict=True):
            network.add(
                keras.layers.Dense(
                    kernel.shape[1], activation_, kernel_regularizer=penalty
                )
            )
        pairs = zip(kernels, biases, strict=True)
        network.set_weights([array for pair in pairs for array in pair])
        return network

    return build


@pytest.mark.slow
def test_mlp_classifier_and_ours_are_equal(run, small):
    page = run("mlp_classifier")
    X, y = page["X_test"], page["y_test"]
    assert page["theirs"].score(X, y) > 0.8
    assert page["ours"].score(X, y) > 0.8

    X, y = small
    settings = {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1}
    mlp = MLPClassifier((8,), batch_size=len(X), alpha=3.0, warm_start=True, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.set_params(max_iter=1).fit(X, y)
        build = dense(
            [kernel.copy() for kernel in mlp.coefs_],
            [bias.copy() for bias in mlp.intercepts_],
            ["relu", "softmax"],
            alpha=3.0 / (2 * len(X)),
        )
        mlp.set_params(max_iter=3).fit(X, y)
    clf = gradient_descent(build, learning_rate=0.1).fit(X, y)
    np.testing.assert_allclose(clf.history_["loss"], mlp.loss_curve_[-3:], rtol=1e-4)


@pytest.mark.slow
def test_skorch_classifier_and_ours_are_equal(run, small):
    pytest.importorskip("skorch")
    import torch
    from skorch import NeuralNetClassifier

    page = run("skorch")
    assert len(page["valid_loss"]) == len(page["val_loss"])
    X, y = small
    X = X.astype(np.float32)

    class Softmax(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(8, 3)

        def forward(self, X):
            return torch.softmax(self.linear(X), dim=-1)

    settings = {"batch_size": len(X), "max_epochs": 3, "train_split": None}
    net = NeuralNetClassifier(Softmax, lr=0.1, verbose=0, **settings).initialize()
    kernel, bias = (
        parameter.detach().numpy().T.copy() for parameter in net.module_.parameters()
    )
    net.partial_fit(X, y)
    build = dense([kernel], [bias], ["softmax"])
    clf = gradient_descent(build, learning_rate=0.1).fit(X, y)
    np.testing.assert_allclose(
        clf.history_["loss"], net.history[:, "train_loss"], rtol=1e-4
    )


def names_in_table(column):
    """Return the names in one column of the table of names, without their values."""
    table = (PAGES / "index.rst").read_text().split(":class: names")[1]
    rows = re.split(r"^    \* - ", table, flags=re.MULTILINE)[1:]
    header, *rows = (re.split(r"^      - ", row, flags=re.MULTILINE) for row in rows)
    index = [cell.strip() for cell in header].index(column)
    cells = [row[index].split("\n\n")[0] for row in rows]
    # ``name``, ``name=value``, ``fit(name=value)`` and ``name["key"]``.
    literals = [text for cell in cells for text in re.findall(r"``(.+?)``", cell)]
    return [re.match(r"(?:fit\()?([\w.]+)", text)[1] for text in literals]


def names_of(classes):
    """Return the names of parameters, methods and attributes of classes."""
    names = set()
    for cls in classes:
        names |= set(inspect.signature(cls).parameters) | set(dir(cls))
        names |= set(inspect.signature(cls.fit).parameters)
        names |= set(re.findall(r"^ +(\w+_) :", cls.__doc__ or "", re.MULTILINE))
    return names


def test_names_of_the_table_exist():
    ours = names_of([KerasImageClassifier, KerasMLPClassifier, LeNetClassifier])
    names = names_in_table("skmnist")
    assert {"hidden_layer_sizes", "n_iter_", "X_val"} < set(names)
    assert set(names) - ours == {"scoring", "KERAS_BACKEND", "model__units"}
    names = names_in_table("MLPClassifier")
    assert set(names) - names_of([MLPClassifier]) - {"sample_weight"} == {"scoring"}

"""Numeric parameters of any kind of number, and numbers that scikit-learn expects."""

import inspect

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from skmnist import KerasMLPClassifier, LeNetClassifier

SMALL = {
    KerasMLPClassifier: {"hidden_layer_sizes": (8,), "epochs": 1},
    LeNetClassifier: {"filters": (2, 2), "hidden_layer_sizes": (4,), "epochs": 1},
}
# A value of each numeric parameter, and what it needs beside it.
NUMBERS = {
    "batch_size": (16, {}),
    "dropout": (0.25, {}),
    "epochs": (1, {}),
    "hidden_dropout": (0.5, {}),
    "l2": (0.5, {}),
    "label_smoothing": (0.125, {}),
    "learning_rate": (0.5, {}),
    "n_iter_no_change": (2, {"early_stopping": True, "validation_fraction": 0.25}),
    "random_elastic": (0.25, {}),
    "random_rotation": (0.25, {}),
    "random_shear": (0.25, {}),
    "random_state": (3, {}),
    "random_translation": (0.25, {}),
    "random_zoom": (0.25, {}),
    "rescaling": (2, {}),
    "validation_fraction": (0.25, {}),
    "verbose": (0, {}),
}
SIZES = ("hidden_layer_sizes", "filters", "kernel_sizes")
PAIRS = [
    (cls, name)
    for cls in SMALL
    for name in inspect.signature(cls).parameters
    if name in (*NUMBERS, *SIZES)
]


def fit(cls, digits, **params):
    X, y = (array[:100] for array in digits)
    settings = {"random_state": 0} | SMALL[cls] | params
    return cls(**settings).fit(X, y)


def test_every_numeric_parameter_is_tested():
    for cls in SMALL:
        for name, parameter in inspect.signature(cls).parameters.items():
            numeric = isinstance(parameter.default, int | float | tuple)
            if numeric and not isinstance(parameter.default, bool):
                assert name in (*NUMBERS, *SIZES), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cls", "name"), PAIRS, ids=lambda value: getattr(value, "__name__", value)
)
def test_numbers_of_any_kind_mean_the_same(cls, name, digits, same_weights):
    if name in SIZES:
        given = ({"kernel_sizes": (3, 3)} | SMALL[cls])[name]
        first = fit(cls, digits, **{name: given})
        versions = [list(given), np.array(given), np.array(given, dtype=np.uint8)]
        if len(given) == 1:
            versions += [given[0], np.int64(given[0])]
        others = {}
    else:
        value, others = NUMBERS[name]
        first = fit(cls, digits, **{name: value}, **others)
        kinds = [np.float64, np.float32] if isinstance(value, float) else []
        if isinstance(value, int):
            kinds = [np.int64, np.int32, np.uint8]
        versions = [kind(value) for kind in kinds]
    for version in versions:
        assert same_weights(first, fit(cls, digits, **{name: version}, **others))


def test_search_over_an_array_of_batch_sizes(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=1, random_state=0)
    grid = {"batch_size": 2 ** np.arange(4, 7), "hidden_layer_sizes": [8, (8, 4)]}
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(*digits)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_class_weight_does_not_count_in_validation(digits):
    X, y = digits
    weights = np.linspace(0.5, 2, len(y))
    clf = KerasMLPClassifier(
        class_weight={0: 30.0}, validation_fraction=0.25, epochs=2, random_state=0
    ).fit(X, y, sample_weight=weights)
    rows = clf.validation_indices_
    expected = log_loss(
        y[rows], clf.predict_proba(X[rows]), sample_weight=weights[rows]
    )
    assert clf.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-4)
    assert clf.history_["val_accuracy"][-1] == pytest.approx(
        clf.score(X[rows], y[rows], sample_weight=weights[rows])
    )


def test_class_weight_of_an_absent_class_has_no_effect(digits, same_weights):
    X, y = digits
    weights = dict.fromkeys(range(10), 1.0) | {0: 2.0}
    clf = KerasMLPClassifier(class_weight=weights, epochs=1, random_state=0)
    with_absent = clone(clf).set_params(class_weight=weights | {77: 5.0})
    assert same_weights(clf.fit(X, y), with_absent.fit(X, y))
    order = np.argsort(y, kind="stable")  # the last classes are in the last split only
    cross_val_score(clf, X[order], y[order], cv=TimeSeriesSplit(3), error_score="raise")


@pytest.mark.parametrize(
    "weights", [{0: 1.0, 1: 50.0}, {"malign": 50.0}, {"malignant": 2.0, "benin": 1.0}]
)
def test_class_weight_that_names_no_class_warns(weights, digits):
    X, y = digits
    y = np.where(y < 5, "benign", "malignant")
    clf = KerasMLPClassifier(class_weight=weights, epochs=1, random_state=0)
    with pytest.raises(ValueError, match="class_weight"):
        LogisticRegression(class_weight=weights).fit(X, y)
    with pytest.warns(UserWarning, match="have weight 1: 'benign'") as record:
        clf.fit(X, y)
    assert record[0].filename == __file__
    # Classes of earlier batches count, too.
    clf.set_params(class_weight={"benign": 2.0}).partial_fit(X, y)
    clf.partial_fit(X[y == "malignant"], y[y == "malignant"])


def test_held_out_rows_that_weigh_nothing_are_refused(digits):
    X, y = digits
    clf = KerasMLPClassifier(validation_fraction=0.2, epochs=1, random_state=0)
    weights = np.ones(len(y))
    weights[clf.fit(X, y).validation_indices_] = 0
    with pytest.raises(ValueError, match="zero for all held-out samples"):
        clf.fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_probabilities_sum_to_one_in_half_precision(dtype, digits):
    X, y = digits
    clf = KerasMLPClassifier(dtype=dtype, epochs=2, random_state=0).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, atol=1e-6)
    scores = cross_val_score(clf, X, y, cv=2, scoring="roc_auc_ovr")
    assert np.isfinite(scores).all()


def test_predict_log_proba(digits):
    X, y = digits
    clf = KerasMLPClassifier(epochs=1, random_state=0).fit(X, y)
    np.testing.assert_array_equal(
        clf.predict_log_proba(X), np.log(clf.predict_proba(X))
    )


def test_unseeded_fit_is_repeatable_by_numpys_seed(digits, same_weights):
    state = np.random.get_state()
    try:
        fits = []
        for seed in (0, 0, 1):
            np.random.seed(seed)
            fits.append(KerasMLPClassifier(epochs=1).fit(*digits))
    finally:
        np.random.set_state(state)
    assert same_weights(fits[0], fits[1])
    assert not same_weights(fits[0], fits[2])


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9),
        lambda: keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(0.5), dynamic_growth_steps=3
        ),
    ],
    ids=["averaged-weights", "loss-scaling"],
)
def test_weights_equal_those_of_keras(optimizer, digits):
    """One batch holds all rows, so that the order of the rows does not matter."""
    X, y = digits
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(8,),
        optimizer=optimizer(),
        batch_size=len(X),
        epochs=10,
        random_state=0,
    ).fit(X, y)
    from skmnist._engine._training import start

    model = clf._network.model(start(clf._network, clf._training.seed).weights)
    model.compile(optimizer(), "categorical_crossentropy")
    model.fit(X, keras.utils.to_categorical(y), batch_size=len(X), epochs=10, verbose=0)
    for mine, other in zip(clf.model_.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)

"""warm_start and partial_fit continue a training."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist import KerasImageClassifier, KerasMLPClassifier, build_mlp


@pytest.fixture
def more_digits():
    X, y = load_digits(return_X_y=True)
    return (X[:800] / 16).astype(np.float32), y[:800]


def early_stopping(**params):
    return KerasMLPClassifier(
        hidden_layer_sizes=(16,),
        validation_fraction=0.2,
        early_stopping=True,
        warm_start=True,
        random_state=0,
        **params,
    )


def test_early_stopping_runs_on_after_epochs_without_validation(more_digits):
    clf = early_stopping(n_iter_no_change=3, epochs=6)
    for _ in range(5):
        clf.partial_fit(*more_digits)
    clf.fit(*more_digits)
    assert clf.n_iter_ == 5 + 6
    assert 5 < clf.best_epoch_ <= clf.n_iter_
    assert {len(values) for values in clf.history_.values()} == {clf.n_iter_}


def test_fit_with_early_stopping_never_ends_worse_than_it_began(more_digits):
    X, y = more_digits
    clf = early_stopping(n_iter_no_change=2, epochs=20, learning_rate=0.05)
    losses = []
    for _ in range(4):
        clf.fit(X, y)
        rows = clf.validation_indices_
        losses.append(clf.evaluate(X[rows], y[rows])["loss"])
        assert losses[-1] == pytest.approx(min(clf.history_["val_loss"]), rel=1e-5)
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_changed_learning_rate_takes_effect(method, digits):
    clf = KerasMLPClassifier(epochs=1, warm_start=True, random_state=0).fit(*digits)
    before = clf.model_.get_weights()
    getattr(clf.set_params(learning_rate=1e-9), method)(*digits)
    steps = zip(before, clf.model_.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in steps) < 1e-6
    getattr(clf.set_params(learning_rate=0.01), method)(*digits)
    steps = zip(before, clf.model_.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in steps) > 1e-3


@pytest.mark.parametrize("optimizer", ["sgd", keras.optimizers.SGD(0.1)])
def test_other_optimizer_is_refused(optimizer, digits):
    clf = KerasMLPClassifier(epochs=1, warm_start=True, random_state=0).fit(*digits)
    expected = clf.predict_proba(digits[0])
    with pytest.raises(ValueError, match=r"optimizer=.*differs.*'adam'"):
        clf.set_params(optimizer=optimizer).fit(*digits)
    np.testing.assert_array_equal(clf.predict_proba(digits[0]), expected)


def test_another_schedule_takes_effect(digits):
    decay = keras.optimizers.schedules.ExponentialDecay
    clf = KerasMLPClassifier(
        learning_rate=decay(0.01, 50, 0.9), epochs=1, warm_start=True, random_state=0
    ).fit(*digits)
    before = clf.model_.get_weights()
    clf.set_params(learning_rate=decay(1e-9, 50, 0.9)).fit(*digits)
    steps = zip(before, clf.model_.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in steps) < 1e-6


@pytest.mark.parametrize("first", [None, 0.01, "schedule"])
def test_schedule_and_number_do_not_replace_each_other(first, digits):
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 50)
    rates = [schedule, 0.1] if first == "schedule" else [first, schedule]
    clf = KerasMLPClassifier(learning_rate=rates[0], epochs=1, warm_start=True)
    clf.fit(*digits)
    with pytest.raises(ValueError, match="The learning rate is a .*, but was a "):
        clf.set_params(learning_rate=rates[1]).fit(*digits)
    assert clf.set_params(learning_rate=rates[0]).fit(*digits).n_iter_ == 2


def test_learning_rate_in_place_of_a_schedule_is_refused(digits):
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 50)
    clf = KerasMLPClassifier(
        optimizer=keras.optimizers.SGD(schedule), epochs=1, warm_start=True
    ).fit(*digits)
    with pytest.raises(ValueError, match=r"learning_rate=0.5 .* schedule"):
        clf.set_params(learning_rate=0.5).fit(*digits)
    assert clf.set_params(learning_rate=None).fit(*digits).n_iter_ == 2
    clf.set_params(learning_rate=0.5, warm_start=False).fit(*digits)
    assert float(clf.model_.optimizer.learning_rate) == 0.5


@pytest.mark.not_pytorch
@pytest.mark.parametrize(
    "clf",
    [
        KerasMLPClassifier(epochs=1, random_state=0),
        KerasImageClassifier(build_mlp, epochs=1, random_state=0),
    ],
    ids=["mlp", "builder"],
)
def test_one_more_epoch_builds_no_network(clf, digits, monkeypatch):
    from skmnist._engine._network import Network

    clf.fit(*digits).partial_fit(*digits)

    def build(self, seed=0):
        raise AssertionError("a network was built")

    monkeypatch.setattr(Network, "build", build)
    assert clf.partial_fit(*digits).n_iter_ == 3


def test_learning_rate_of_another_optimizer_object_takes_effect(digits):
    sgd = keras.optimizers.SGD(0.1)
    clf = KerasMLPClassifier(optimizer=sgd, warm_start=True, epochs=1, random_state=0)
    before = clf.fit(*digits).model_.get_weights()
    clf.set_params(optimizer=keras.optimizers.SGD(1e-9)).fit(*digits)
    for one, other in zip(before, clf.model_.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_optimizer_with_another_state_is_refused(digits):
    sgd = keras.optimizers.SGD(0.1)
    clf = KerasMLPClassifier(optimizer=sgd, warm_start=True, epochs=1).fit(*digits)
    clf.set_params(optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
    with pytest.raises(ValueError, match="differs from the optimizer"):
        clf.fit(*digits)


def test_learning_rate_of_a_builder_that_compiles_takes_effect(digits):
    def build(meta, rate=0.1):
        softmax = keras.layers.Dense(meta["n_classes_"], activation="softmax")
        model = keras.Sequential([keras.Input((meta["n_features_in_"],)), softmax])
        model.compile(keras.optimizers.SGD(rate), "categorical_crossentropy")
        return model

    clf = KerasImageClassifier(build, image_shape=(-1,), warm_start=True, epochs=1)
    (before, _) = clf.fit(*digits).model_.get_weights()
    clf.set_params(model__rate=1e-9).fit(*digits)
    np.testing.assert_allclose(before, clf.model_.get_weights()[0], atol=1e-6)


def test_partial_fit_ignores_early_stopping(digits):
    X, y = digits
    clf = KerasMLPClassifier(early_stopping=True, epochs=1, random_state=0)
    clf.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert clf.partial_fit(X, y).n_iter_ == 2


def test_arrays_among_the_parameters_of_a_builder(digits):
    def build(meta, scale=None):
        softmax = keras.layers.Dense(meta["n_classes_"], activation="softmax")
        scaling = keras.layers.Rescaling(float(scale[0]))
        return keras.Sequential([keras.Input((64,)), scaling, softmax])

    params = {"model_params": {"scale": np.ones(3)}, "image_shape": (-1,)}
    clf = KerasImageClassifier(build, warm_start=True, epochs=1, **params).fit(*digits)
    assert clf.set_params(model__scale=np.ones(3)).fit(*digits).n_iter_ == 2

"""A validation set of the user's own: fit(X, y, X_val=..., y_val=...)."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier, load

PARAMS = {"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0}


@pytest.fixture
def sets(digits):
    """Samples and labels to train on, and others."""
    X, y = digits
    return X[:300], y[:300], X[300:], y[300:]


def test_history_has_the_scores_of_the_validation_set(sets):
    X, y, X_val, y_val = sets
    weight = np.random.default_rng(0).random(100)
    clf = KerasMLPClassifier(**PARAMS)
    clf.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    probabilities = clf.predict_proba(X_val)
    loss = log_loss(y_val, probabilities, sample_weight=weight)
    assert clf.history_["val_loss"][-1] == pytest.approx(loss, rel=1e-4)
    accuracy = accuracy_score(y_val, clf.predict(X_val), sample_weight=weight)
    assert clf.history_["val_accuracy"][-1] == pytest.approx(accuracy)
    assert clf.best_epoch_ == 1 + np.argmin(clf.history_["val_loss"])
    assert len(clf.validation_indices_) == 0


def test_validation_set_does_not_change_the_training(sets, same_weights):
    X, y, X_val, y_val = sets
    clf = KerasMLPClassifier(class_weight={0: 3}, **PARAMS)
    alone = clone(clf).fit(X, y)
    assert same_weights(clf.fit(X, y, X_val=X_val, y_val=y_val), alone)


def test_early_stopping_monitors_the_validation_set(sets):
    X, y, X_val, _ = sets
    params = PARAMS | {"epochs": 30, "early_stopping": True, "n_iter_no_change": 2}
    clf = KerasMLPClassifier(learning_rate=0.05, **params)
    # Labels of no use: the loss rises from the beginning.
    y_val = np.random.default_rng(0).permutation(sets[3])
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.n_iter_ == clf.best_epoch_ + 2 < 30
    best = min(clf.history_["val_loss"])
    assert clf.evaluate(X_val, y_val)["loss"] == pytest.approx(best)


def test_images_and_squares_are_laid_out_as_the_training_samples(sets):
    X, y, X_val, y_val = sets
    lenet = LeNetClassifier(epochs=1, random_state=0)
    lenet.fit(X, y, X_val=X_val, y_val=y_val)
    assert lenet.evaluate(X_val, y_val)["loss"] == pytest.approx(
        lenet.history_["val_loss"][0]
    )

    def build(meta):
        import keras

        flat = keras.Input((meta["n_features_in_"],))
        outputs = keras.layers.Dense(meta["n_classes_"], activation="softmax")(flat)
        return keras.Model(flat, outputs)

    clf = KerasImageClassifier(build, epochs=1, random_state=0)
    clf.fit(X, y, X_val=X_val.astype(np.float64), y_val=y_val)
    assert clf.image_shape_ == (64,)
    assert len(clf.history_["val_loss"]) == 1


def test_pipeline_transforms_the_validation_set(sets):
    X, y, X_val, y_val = sets
    with sklearn.config_context(enable_metadata_routing=True):
        clf = KerasMLPClassifier(**PARAMS).set_fit_request(X_val=True, y_val=True)
        steps = [("scaler", StandardScaler()), ("clf", clf)]
        pipe = Pipeline(steps, transform_input=["X_val"])
        pipe.fit(X, y, X_val=X_val, y_val=y_val)
        loss = log_loss(y_val, pipe.predict_proba(X_val))
        assert pipe[-1].history_["val_loss"][-1] == pytest.approx(loss, rel=1e-4)
        scores = cross_validate(
            pipe, X, y, cv=2, params={"X_val": X_val, "y_val": y_val}
        )
    assert np.isfinite(scores["test_score"]).all()


def test_checkpoint_belongs_to_the_validation_set(sets, tmp_path, same_weights):
    X, y, X_val, y_val = sets
    params = PARAMS | {"checkpoint_dir": tmp_path, "save_best": "val_loss"}
    first, other = (
        KerasMLPClassifier(**params).fit(X, y, X_val=X_val[:n], y_val=y_val[:n])
        for n in (100, 50)
    )
    assert first.best_model_path_ != other.best_model_path_
    again = KerasMLPClassifier(**params).fit(X, y, X_val=X_val, y_val=y_val)
    assert again.best_model_path_ == first.best_model_path_
    assert again.history_ == first.history_
    assert same_weights(again, first)
    assert load(first.best_model_path_).n_iter_ == first.best_epoch_


def test_warm_start_takes_another_validation_set(sets):
    X, y, X_val, y_val = sets
    clf = KerasMLPClassifier(warm_start=True, early_stopping=True, **PARAMS)
    clf.fit(X, y, X_val=X_val[:50], y_val=y_val[:50])
    clf.fit(X, y, X_val=X_val[50:], y_val=y_val[50:])
    assert clf.n_iter_ == 6
    assert len(clf.history_["val_loss"]) == 6


@pytest.mark.parametrize(
    ("params", "change", "message"),
    [
        ({}, {"y_val": None}, "X_val was passed without y_val"),
        ({}, {"X_val": None}, "y_val was passed without X_val"),
        ({"validation_fraction": 0.1}, {}, "cannot be combined with validation_frac"),
        ({}, {"sample_weight_val": np.zeros(100)}, "sample_weight_val is zero"),
        ({}, {"y_val": np.full(100, 17)}, "labels that fit did not see: .17."),
        ({}, {"X_val": np.zeros((100, 63))}, "63"),
        ({}, {"y_val": np.zeros(99, int)}, "inconsistent numbers of samples"),
    ],
)
def test_other_validation_sets_are_refused_before_training(
    params, change, message, sets
):
    X, y, X_val, y_val = sets
    clf = KerasMLPClassifier(**PARAMS, **params)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, **({"X_val": X_val, "y_val": y_val} | change))
    assert not hasattr(clf, "classes_")


def test_weights_without_validation_samples_are_refused(sets):
    X, y, *_ = sets
    with pytest.raises(ValueError, match="sample_weight_val was passed without X_val"):
        KerasMLPClassifier().fit(X, y, sample_weight_val=np.ones(3))

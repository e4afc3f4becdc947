import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist._cross_validation._folds import judge_fitted, run_folds
from skmnist._seed import draw_seed


class SoftmaxRegression(ClassifierMixin, BaseEstimator):
    """Follows the epochs contract of skmnist's classifiers, in NumPy alone."""

    n_epochs_trained = 0

    def __init__(
        self,
        epochs=5,
        learning_rate=0.5,
        validation_fraction=0.0,
        early_stopping=False,
        class_weight=None,
        callbacks=None,
        warm_start=False,
        random_state=None,
    ):
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        vars(self).pop("weights_", None)
        X = np.asarray(X, dtype=float)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        if self.class_weight == "balanced":
            weight = weight * compute_sample_weight("balanced", y)
        n_held_out = int(self.validation_fraction * len(X))
        rows = np.random.default_rng(self.random_state).permutation(len(X))
        held_out, rows = np.sort(rows[:n_held_out]), np.sort(rows[n_held_out:])
        self.validation_indices_ = held_out
        self._start(X, np.unique(y))
        best = np.inf
        for _ in range(self.epochs):
            self._train(X[rows], y[rows], weight[rows])
            if self.early_stopping:
                loss = log_loss(y[held_out], self.predict_proba(X[held_out]))
                if loss > best - 0.01:
                    break
                best = loss
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if self.class_weight == "balanced":
            raise ValueError("balanced is not supported for partial_fit")
        X = np.asarray(X, dtype=float)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        if not hasattr(self, "weights_"):
            self._start(X, np.unique(y) if classes is None else np.unique(classes))
        if self.class_weight:
            weight = weight * [self.class_weight[label] for label in y.tolist()]
        self._train(X, y, weight)
        return self

    def _start(self, X, classes):
        seed = self.random_state
        self.seed_ = np.random.SeedSequence().entropy if seed is None else seed
        self.classes_ = classes
        self.n_iter_ = 0
        n_features = X.reshape(len(X), -1).shape[1]
        start = np.random.default_rng([self.seed_, 0])
        self.weights_ = start.normal(size=(n_features, len(classes))) / 100

    def _train(self, X, y, weight):
        type(self).n_epochs_trained += 1
        self.n_iter_ += 1
        flat = X.reshape(len(X), -1)
        order = np.random.default_rng([self.seed_, self.n_iter_]).permutation(len(X))
        target = np.equal.outer(y, self.classes_)
        for rows in np.array_split(order, max(1, len(order) // 32)):
            slope = (self.predict_proba(X[rows]) - target[rows]) * weight[rows, None]
            self.weights_ = self.weights_ - (
                self.learning_rate * flat[rows].T @ slope / len(rows)
            )

    def predict_proba(self, X):
        X = np.asarray(X, dtype=float)
        scores = X.reshape(len(X), -1) @ self.weights_
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


class Witness(TransformerMixin, BaseEstimator):
    """Remembers, for all of its clones, how many rows it was fitted on."""

    fitted_on = []

    def fit(self, X, y=None):
        self.fitted_on.append(len(X))
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


@pytest.fixture
def data():
    return make_classification(
        120, 6, n_informative=4, n_classes=3, class_sep=1.5, random_state=0
    )


def same(first, second):
    for name in ("train", "test", "train_codes", "test_codes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    # Sums in another memory layout differ in the last bit.
    np.testing.assert_allclose(first.train_loss, second.train_loss, rtol=1e-12)
    np.testing.assert_allclose(first.test_loss, second.test_loss, rtol=1e-12)


def test_following_epochs_ends_where_a_plain_fit_ends(data):
    clf = SoftmaxRegression(random_state=3)
    followed = run_folds(clf, *data, cv=3)
    plain = run_folds(clf, *data, cv=3, epochs=False)
    for one, other in zip(followed, plain, strict=True):
        assert other.curves is None
        same(one, other)
        curves = one.curves
        assert curves.sample_loss.shape == (5, len(one.test))
        assert curves.sample_loss.dtype == np.float32
        np.testing.assert_allclose(curves.sample_loss[-1], one.test_loss, rtol=1e-5)
        assert curves.train_loss[-1] == pytest.approx(one.train_loss.mean())
        assert curves.validation_loss[-1] == pytest.approx(one.test_loss.mean())
        hits = one.train_codes == data[1][one.train]
        assert curves.train_accuracy[-1] == hits.mean()
        assert curves.train_loss[-1] < curves.train_loss[0]


def test_what_holds_nothing_out_is_trained_once(data):
    before = SoftmaxRegression.n_epochs_trained
    run_folds(SoftmaxRegression(epochs=4), *data, cv=3)
    assert SoftmaxRegression.n_epochs_trained == before + 3 * 4


@pytest.mark.parametrize("random_state", [0, None])
def test_rows_held_out_inside_fit_count_as_neither(data, random_state):
    clf = SoftmaxRegression(
        epochs=40,
        validation_fraction=0.25,
        early_stopping=True,
        random_state=random_state,
    )
    for fold in run_folds(clf, *data, cv=3, random_state=0):
        assert len(fold.train) == 60
        assert len(fold.test) == 40
        assert not set(fold.train) & set(fold.test)
        assert 1 < len(fold.curves.train_loss) < 40
        # Two trainings, one result.
        np.testing.assert_allclose(
            fold.curves.sample_loss[-1], fold.test_loss, rtol=1e-5
        )
        assert fold.curves.train_loss[-1] == pytest.approx(fold.train_loss.mean())


def test_transformers_see_the_training_part_alone(data):
    Witness.fitted_on.clear()
    X, y = data
    scaled = make_pipeline(Witness(), StandardScaler(), SoftmaxRegression())
    folds = run_folds(scaled.set_params(softmaxregression__random_state=0), X, y, cv=3)
    assert Witness.fitted_on == [80, 80, 80]
    for fold in folds:
        assert len(fold.curves.train_loss) == 5
        fitted = clone(scaled).fit(X[fold.train], y[fold.train])
        np.testing.assert_array_equal(fitted.predict(X[fold.test]), fold.test_codes)


@pytest.mark.parametrize(
    "clf",
    [
        SoftmaxRegression(callbacks=[print]),
        SoftmaxRegression(warm_start=True),
        GaussianNB(),
        LogisticRegression(),
        GridSearchCV(SoftmaxRegression(), {"epochs": [1, 2]}, cv=2),
    ],
    ids=["callbacks", "warm_start", "no epochs", "no partial_fit", "search"],
)
def test_other_classifiers_are_fitted_plainly(data, clf):
    folds = run_folds(clf, *data, cv=3)
    assert [fold.curves for fold in folds] == [None] * 3
    assert all(fold.fit_time > 0 for fold in folds)


def test_rows_held_out_inside_a_search_or_a_plain_fit_count_as_neither(data):
    clf = SoftmaxRegression(validation_fraction=0.25, callbacks=[print])
    search = GridSearchCV(make_pipeline(clf), {"softmaxregression__epochs": [2]}, cv=2)
    for estimator in (clf, search):
        assert {len(f.train) for f in run_folds(estimator, *data, cv=3)} == {60}


def test_balanced_class_weights_are_followed(data):
    X, y = data
    rows = np.flatnonzero((y != 2) | (np.arange(len(y)) % 4 == 0))
    clf = SoftmaxRegression(class_weight="balanced", random_state=0)
    followed = run_folds(clf, X[rows], y[rows], cv=3)
    plain = run_folds(clf, X[rows], y[rows], cv=3, epochs=False)
    for one, other in zip(followed, plain, strict=True):
        assert one.curves is not None
        np.testing.assert_allclose(one.test_loss, other.test_loss)


def test_without_probabilities_there_is_no_loss(data):
    fold, *_ = run_folds(SVC(), *data, cv=3)
    assert np.isnan(fold.test_loss).all()
    assert np.isnan(fold.probability).all()
    assert np.mean(fold.test_codes == data[1][fold.test]) > 0.5


def test_losses_are_scikit_learns(data):
    X, y = data
    for fold in run_folds(GaussianNB(), X, y, cv=3):
        fitted = GaussianNB().fit(X[fold.train], y[fold.train])
        probabilities = fitted.predict_proba(X[fold.test])
        expected = log_loss(y[fold.test], probabilities)
        assert fold.test_loss.mean() == pytest.approx(expected)
        np.testing.assert_allclose(fold.probability, probabilities.max(axis=1))


def test_a_class_that_training_never_saw_costs_the_largest_loss():
    X, y = np.arange(30.0).reshape(-1, 1), np.repeat(["a", "b", "c"], 10)
    split = [(np.arange(20), np.arange(20, 30))]
    for clf in (GaussianNB(), SoftmaxRegression(random_state=0, learning_rate=0.01)):
        (fold,) = run_folds(clf, X, y, cv=split)
        np.testing.assert_allclose(fold.test_loss, -np.log(np.finfo(float).eps))
        assert set(fold.test_codes) <= {0, 1}


@pytest.mark.parametrize("shape", [(120, 6), (120, 2, 3), (120, 2, 3, 1)])
def test_every_layout_of_images_is_taken(data, shape):
    X, y = data
    flat = run_folds(SoftmaxRegression(random_state=0), X, y, cv=3)
    shaped = run_folds(SoftmaxRegression(random_state=0), X.reshape(shape), y, cv=3)
    for one, other in zip(flat, shaped, strict=True):
        same(one, other)


def test_frames_and_string_labels_are_taken(data):
    X, y = data
    frame, names = pd.DataFrame(X).add_prefix("x"), pd.Series(np.array(list("abc"))[y])
    clf = make_pipeline(StandardScaler(), SoftmaxRegression(random_state=0))
    for one, other in zip(
        run_folds(clf, X, y, cv=3), run_folds(clf, frame, names, cv=3), strict=True
    ):
        same(one, other)


def test_metadata_is_sliced_and_reaches_every_epoch(data):
    X, y = data
    weight = np.random.default_rng(0).exponential(size=120)
    clf = SoftmaxRegression(validation_fraction=0.1, random_state=0)
    alone = run_folds(clf, X, y, cv=3, params={"sample_weight": weight})
    inside = run_folds(
        make_pipeline(Witness(), clf),
        X,
        y,
        cv=3,
        params={"softmaxregression__sample_weight": weight},
    )
    for one, other in zip(alone, inside, strict=True):
        same(one, other)
        np.testing.assert_allclose(one.curves.sample_loss[-1], one.test_loss, rtol=1e-5)
    unweighted = run_folds(clf, X, y, cv=3)
    assert not np.allclose(alone[0].test_loss, unweighted[0].test_loss)


def test_metadata_that_a_pipeline_cannot_place_is_its_own_error(data):
    clf = make_pipeline(Witness(), SoftmaxRegression())
    with pytest.raises(ValueError, match="sample_weight"):
        run_folds(clf, *data, cv=3, params={"sample_weight": np.ones(120)})


def test_routed_metadata_arrives(data):
    X, y = data
    with sklearn.config_context(enable_metadata_routing=True):
        clf = SoftmaxRegression(random_state=0).set_fit_request(sample_weight=True)
        weight = np.random.default_rng(0).exponential(size=120)
        params = {"sample_weight": weight}
        routed = run_folds(make_pipeline(Witness(), clf), X, y, cv=3, params=params)
    for one, other in zip(
        routed, run_folds(clf, X, y, cv=3, params=params), strict=True
    ):
        same(one, other)


def test_progress_tells_every_epoch_then_every_split_of_a_plain_fit(data):
    calls = []
    run_folds(
        SoftmaxRegression(epochs=2), *data, cv=2, progress=lambda *c: calls.append(c)
    )
    assert calls == [(1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2)]
    calls.clear()
    run_folds(GaussianNB(), *data, cv=2, progress=lambda *c: calls.append(c))
    assert calls == [(1, 1, 1), (2, 1, 1)]


def test_several_jobs_give_the_same_and_tell_every_split(data):
    # The digits' own module is importable in the workers, this file's is not.
    calls = []
    X, y = load_digits(n_class=3, return_X_y=True)
    one = run_folds(GaussianNB(), X, y, cv=3)
    two = run_folds(
        GaussianNB(), X, y, cv=3, n_jobs=2, progress=lambda *c: calls.append(c)
    )
    for first, second in zip(one, two, strict=True):
        same(first, second)
    assert [fold.number for fold in two] == [1, 2, 3]
    assert sorted(calls) == [(1, 1, 1), (2, 1, 1), (3, 1, 1)]


def test_splits_are_stratified_or_the_splitters_own(data):
    X, y = data
    folds = run_folds(GaussianNB(), X, y, cv=4)
    expected = StratifiedKFold(4).split(X, y)
    for fold, (train, test) in zip(folds, expected, strict=True):
        np.testing.assert_array_equal(fold.train, train)
        np.testing.assert_array_equal(fold.test, test)
    groups = np.arange(120) % 10
    for fold in run_folds(GaussianNB(), X, y, cv=GroupKFold(5), groups=groups):
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_kernels_given_as_matrices_are_sliced_on_both_sides(data):
    X, y = data
    matrix = X @ X.T
    for one, other in zip(
        run_folds(SVC(kernel="linear"), X, y, cv=3),
        run_folds(SVC(kernel="precomputed"), matrix, y, cv=3),
        strict=True,
    ):
        assert np.mean(one.test_codes == other.test_codes) > 0.95


def test_a_seed_makes_unseeded_networks_repeatable(data):
    clf = SoftmaxRegression(epochs=2)
    one, two = (run_folds(clf, *data, cv=2, random_state=4) for _ in range(2))
    same(one[0], two[0])
    assert clf.random_state is None


def test_the_global_generator_stays_as_it_was(data):
    before = np.random.get_state()[1].copy()
    run_folds(SoftmaxRegression(epochs=1), *data, cv=2)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert draw_seed(7) == draw_seed(7) != draw_seed(8)


def test_fitted_classifiers_are_judged_alike(data):
    X, y = data
    clf = SoftmaxRegression(random_state=0, validation_fraction=0.2)
    for fold, (train, test) in zip(
        run_folds(clf, X, y, cv=3), StratifiedKFold(3).split(X, y), strict=True
    ):
        fitted = clone(clf).fit(X[train], y[train])
        again = judge_fitted(
            fitted, X, y, train=train, test=test, number=fold.number, fit_time=1.0
        )
        same(fold, again)


@pytest.mark.parametrize("scheduled", [False, True])
def test_epochs_read_on_the_way_equal_trainings_of_their_own(scheduled, data):
    """Bit for bit, for a Pipeline with dropout, and with a schedule of steps."""
    X, y = data
    clf = KerasMLPClassifier(hidden_layer_sizes=(8,), dropout=0.3, random_state=0)
    if scheduled:
        rate = keras.optimizers.schedules.ExponentialDecay(0.01, 4, 0.9)
        clf.set_params(optimizer=keras.optimizers.Adam(rate))
    pipe = make_pipeline(StandardScaler(), clf.set_params(epochs=4))
    at = [1, 3, 4]
    longest = run_folds(pipe, X, y, cv=2, at=at)
    for epochs in at:
        pipe.set_params(kerasmlpclassifier__epochs=epochs)
        alone = run_folds(pipe, X, y, cv=2, epochs=False)
        for one, other in zip(longest, alone, strict=True):
            assert list(one.at) == at
            read = one.at[epochs]
            for name in ("train_codes", "test_codes", "train_loss", "test_loss"):
                assert np.array_equal(getattr(read, name), getattr(other, name))
            assert np.array_equal(read.probability, other.probability)
            assert len(read.curves.train_loss) == epochs
            assert read.fit_time <= one.fit_time


def test_a_curve_over_epochs_trains_each_split_once(data):
    SoftmaxRegression.n_epochs_trained = 0
    clf = SoftmaxRegression(epochs=3, random_state=0)
    options = {"cv": 3, "reference": 0.1, "random_state": 0}
    diagnosis = diagnose_fit(clf, *data, **options, capacity={"epochs": [1, 3, 8]})
    assert SoftmaxRegression.n_epochs_trained == 3 * 8
    plain = diagnose_fit(clf, *data, **options)
    pd.testing.assert_frame_equal(
        diagnosis.folds.drop(columns="fit_time"), plain.folds.drop(columns="fit_time")
    )
    pd.testing.assert_frame_equal(diagnosis.epochs, plain.epochs)
    curve = diagnosis.capacity_curve
    assert curve["value"].unique().tolist() == ["1", "3", "8"]
    own = curve.loc[curve["value"] == "3", "validation_accuracy"].to_numpy()
    np.testing.assert_array_equal(own, plain.folds["validation_accuracy"])


def test_epochs_that_callbacks_may_act_on_are_trained_one_by_one(data):
    SoftmaxRegression.n_epochs_trained = 0
    clf = SoftmaxRegression(epochs=3, random_state=0, callbacks=[])
    diagnose_fit(clf, *data, cv=3, reference=0.1, capacity={"epochs": [1, 3]})
    assert SoftmaxRegression.n_epochs_trained == 3 * (1 + 3)


@pytest.mark.parametrize(
    ("params", "values", "message"),
    [
        ({"early_stopping": True, "validation_fraction": 0.2}, [1, 5], "early_stopp"),
        ({}, [5, 0], "positive integers"),
        ({}, [5, 2.5], "positive integers"),
    ],
)
def test_epochs_that_cannot_be_compared_are_refused(params, values, message, data):
    SoftmaxRegression.n_epochs_trained = 0
    with pytest.raises(ValueError, match=message):
        diagnose_fit(SoftmaxRegression(**params), *data, capacity={"epochs": values})
    assert SoftmaxRegression.n_epochs_trained == 0


def test_splits_are_lists_or_masks_as_in_scikit_learn():
    X, y = load_iris(return_X_y=True)
    tests = [np.arange(150) % 3 == i for i in range(3)]
    rows = [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]
    lists = [(train.tolist(), test.tolist()) for train, test in rows]
    masks = [(~test, test) for test in tests]
    as_rows, as_lists, as_masks = (
        diagnose_fit(GaussianNB(), X, y, cv=cv, reference=0.1)
        for cv in (rows, lists, masks)
    )
    pd.testing.assert_frame_equal(as_rows.out_of_fold, as_lists.out_of_fold)
    pd.testing.assert_frame_equal(as_rows.out_of_fold, as_masks.out_of_fold)

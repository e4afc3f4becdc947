"""Networks with training steps or metrics of their own train as in Keras."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone

from skmnist import EpochCurveDisplay, KerasImageClassifier, LearningRateDisplay

pytestmark = pytest.mark.tensorflow

N_ROWS, BATCH = 40, 16
CROSSENTROPY = "categorical_crossentropy", "sparse_categorical_crossentropy"


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.random((N_ROWS, 6), dtype=np.float32), np.arange(N_ROWS) % 3


def functional(cls=keras.Model, units=3, *args):
    inputs = keras.Input((6,))
    hidden = layers.Dense(8, activation="tanh")(inputs)
    activation = "softmax" if units > 1 else "sigmoid"
    return cls(inputs, layers.Dense(units, activation=activation)(hidden), *args)


def fit_both(build, X, y, *, loss=CROSSENTROPY[0], callbacks=list, weights=None, **fit):
    """Return a fitted classifier, and the network that `keras.Model.fit` has trained.

    Both get the same batches in the same order.
    """
    from skmnist._engine._seeds import isolated_build
    from skmnist._engine._training import start

    compiles = build({"n_classes_": 3}).compiled
    clf = KerasImageClassifier(
        build,
        loss=CROSSENTROPY[0] if compiles else loss,
        epochs=3,
        batch_size=BATCH,
        callbacks=callbacks(),
        random_state=0,
        validation_fraction=0.5,
        **fit,
    ).fit(X, y, sample_weight=weights)
    state = start(clf._network, clf._training.seed)
    with isolated_build(state.seed, "float32"):
        model = build(clf._network.meta)
    for variable, value in zip(model.variables, state.weights, strict=True):
        variable.assign(value)
    if not compiles:
        model.compile("adam", loss, metrics=["accuracy"])
    model.run_eagerly = True
    targets = y if loss != CROSSENTROPY[0] else np.eye(3, dtype=np.float32)[y]
    held_out = clf.validation_indices_
    train = np.setdiff1d(np.arange(len(X)), held_out)

    def arrays(chosen):
        parts = (X, targets) if weights is None else (X, targets, weights)
        return tuple(part[chosen] for part in parts)

    def batches():
        for epoch in range(3):
            order = np.random.default_rng([state.seed, epoch]).permutation(train)
            for first in range(0, len(order), BATCH):
                yield arrays(order[first : first + BATCH])

    model.fit(
        batches(),
        steps_per_epoch=-(-len(train) // BATCH),
        epochs=3,
        validation_data=arrays(held_out),
        validation_batch_size=BATCH,
        shuffle=False,
        callbacks=callbacks(),
        verbose=0,
    )
    return clf, model


def check_same(clf, model, *, but=()):
    history = model.history.history
    assert set(history) <= set(clf.history_)
    for name in set(history) - set(but):
        np.testing.assert_allclose(
            clf.history_[name], history[name], rtol=1e-4, atol=1e-5, err_msg=name
        )
    for own, other in zip(clf.model_.variables, model.variables, strict=True):
        np.testing.assert_allclose(
            own.numpy(), other.numpy(), rtol=1e-3, atol=1e-5, err_msg=other.path
        )


class Unpacking(keras.Model):
    """The first example of Keras's guide to custom training steps."""

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


class Tracking(keras.Model):
    """The second example: trackers of its own, and no loss in `compile`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.CategoricalCrossentropy()

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self._updated(y, y_pred, loss)

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        return self._updated(y, y_pred, self.loss_fn(y, y_pred))

    def _updated(self, y, y_pred, loss):
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {
            "loss": self.loss_tracker.result(),
            "mae": self.mae_metric.result(),
        }

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


class Weighing(keras.Model):
    """The third example: a step that takes weights if there are any."""

    unpacked = set()

    def train_step(self, data):
        import tensorflow as tf

        self.unpacked.add(("train", len(data)))
        x, y, sample_weight = data if len(data) == 3 else (*data, None)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        self.unpacked.add(("test", len(data)))
        return super().test_step(data)


def build_tracking(meta):
    model = functional(Tracking)
    model.compile("adam")
    return model


@pytest.mark.parametrize("loss", CROSSENTROPY)
def test_train_step_that_unpacks_two_trains_as_in_keras(loss, rows):
    """It gets the targets that the loss takes."""
    clf, model = fit_both(lambda meta: functional(Unpacking), *rows, loss=loss)
    check_same(clf, model)
    assert set(clf.history_) == set(model.history.history)


def test_trackers_of_a_train_step_make_the_history(rows):
    clf, model = fit_both(build_tracking, *rows)
    check_same(clf, model)
    assert set(clf.history_) == {"loss", "mae", "val_loss", "val_mae"}


def test_history_without_accuracy_serves_all_that_reads_it(rows, capsys, tmp_path):
    stopping = keras.callbacks.EarlyStopping("val_mae", 9, 1, mode="min")
    clf = KerasImageClassifier(
        build_tracking,
        epochs=9,
        validation_fraction=0.2,
        callbacks=[stopping],
        verbose=2,
        random_state=0,
    ).fit(*rows)
    assert clf.n_iter_ == 2
    assert "mae" in capsys.readouterr().out
    assert list(clf.evaluate(*rows)) == ["loss", "accuracy"]
    assert EpochCurveDisplay.from_history(clf).quantity == "loss"
    clf.set_params(callbacks=None, early_stopping=True, n_iter_no_change=2, verbose=0)
    clf.set_params(epochs=3, checkpoint_dir=tmp_path).fit(*rows)
    assert clf.best_epoch_ == np.argmin(clf.history_["val_loss"]) + 1
    clf.set_params(checkpoint_dir=None, early_stopping=False)
    display = LearningRateDisplay.from_estimator(clf, *rows, n_steps=100)
    assert np.isfinite(display.losses).any()


@pytest.mark.parametrize("by_class", [False, True])
def test_train_step_gets_weights_if_the_user_gives_them(by_class, rows):
    X, y = rows
    Weighing.unpacked.clear()
    fit_both(lambda meta: functional(Weighing), X, y)
    assert Weighing.unpacked == {("train", 2), ("test", 2)}
    Weighing.unpacked.clear()
    settings = {"validation_fraction": 0.2, "random_state": 0, "epochs": 1}
    clf = KerasImageClassifier(lambda meta: functional(Weighing), **settings)
    if by_class:
        clf.set_params(class_weight="balanced").fit(X, y)
        assert Weighing.unpacked == {("train", 3), ("test", 2)}
    else:
        clf.fit(X, y, sample_weight=np.ones(N_ROWS))
        assert Weighing.unpacked == {("train", 3), ("test", 3)}
    Weighing.unpacked.clear()
    clf.set_params(class_weight=None, validation_fraction=0)
    clf.fit(X, y, X_val=X, y_val=y, sample_weight_val=np.ones(N_ROWS))
    assert Weighing.unpacked == {("train", 2), ("test", 3)}


def test_step_that_returns_no_loss_is_refused(rows):
    class Nameless(Unpacking):
        def train_step(self, data):
            return {"error": super().train_step(data)["loss"]}

    clf = KerasImageClassifier(lambda meta: functional(Nameless), random_state=0)
    with pytest.raises(ValueError, match=r"Nameless returned \['error'\] without 'lo"):
        clf.fit(*rows)


def test_own_train_step_repeats_and_resumes_bit_equal(rows, same_weights):
    params = {"epochs": 4, "random_state": 0, "validation_fraction": 0.2}
    clf = KerasImageClassifier(lambda meta: functional(Unpacking), **params)
    assert same_weights(clf.fit(*rows), clone(clf).fit(*rows))
    half = clone(clf).set_params(epochs=2).fit(*rows)
    half.set_params(warm_start=True).fit(*rows)
    assert same_weights(clf, half)
    assert half.history_ == clf.history_


class Distiller(keras.Model):
    """Keras's example of knowledge distillation: a `compile` with other arguments."""

    def __init__(self, student, teacher):
        super().__init__()
        self.student, self.teacher = student, teacher

    def compile(self, optimizer, metrics, student_loss, distillation_loss, alpha):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss, self.distillation_loss = student_loss, distillation_loss
        self.alpha = alpha

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False
    ):
        distillation = self.distillation_loss(self.teacher(x, training=False), y_pred)
        student = self.student_loss(y, y_pred)
        return self.alpha * student + (1 - self.alpha) * distillation

    def call(self, x):
        return self.student(x)


def build_distiller(meta, compiles=True):
    teacher = functional()
    teacher.trainable = False
    distiller = Distiller(functional(), teacher)
    distiller(np.zeros((1, 6)))
    if compiles:
        distiller.compile(
            keras.optimizers.SGD(0.5),
            metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(2, name="top2")],
            student_loss=keras.losses.CategoricalCrossentropy(),
            distillation_loss=keras.losses.KLDivergence(),
            alpha=0.1,
        )
    return distiller


def test_compile_with_other_arguments_holds_if_the_builder_calls_it(rows):
    clf, model = fit_both(build_distiller, *rows)
    check_same(clf, model)
    assert set(clf.history_) == set(model.history.history)
    assert isinstance(clf.model_.optimizer, keras.optimizers.SGD)
    assert clf.model_.alpha == 0.1


def test_compile_with_other_arguments_has_to_be_called_in_the_builder(rows):
    clf = KerasImageClassifier(build_distiller, {"compiles": False}, random_state=0)
    with pytest.raises(ValueError, match="Distiller, whose compile.*in the builder"):
        clf.fit(*rows)


def build_with_metrics(meta):
    model = functional()
    model.compile(
        "adam",
        CROSSENTROPY[0],
        metrics=[
            "accuracy",
            keras.metrics.TopKCategoricalAccuracy(2, name="top2"),
            keras.metrics.AUC(name="auc"),
            "mae",
        ],
        weighted_metrics=[keras.metrics.F1Score(average="macro")],
    )
    return model


@pytest.fixture
def warns_of_metrics():
    return pytest.warns(UserWarning, match="other metrics than the accuracy")


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_a_compiled_builder_are_reported(weighted, rows, warns_of_metrics):
    weights = np.random.default_rng(1).random(N_ROWS) if weighted else None
    with warns_of_metrics:
        clf, model = fit_both(build_with_metrics, *rows, weights=weights)
    names = {"loss", "accuracy", "top2", "auc", "mae", "f1_score"}
    assert set(clf.history_) == names | {f"val_{name}" for name in names}
    if not weighted:  # the classifier's loss is a mean by weight
        check_same(clf, model)
    plain = KerasImageClassifier(
        lambda meta: functional(),
        epochs=3,
        batch_size=BATCH,
        validation_fraction=0.5,
        random_state=0,
    ).fit(*rows, sample_weight=weights)
    for name, values in plain.history_.items():
        np.testing.assert_allclose(clf.history_[name], values, rtol=1e-4)
    assert {"top2", "auc"} <= set(clf.model_.evaluate(*one_hot(rows), return_dict=True))


def one_hot(rows):
    X, y = rows
    return X, np.eye(3, dtype=np.float32)[y]


def test_callback_follows_a_metric_of_the_builder(rows, warns_of_metrics):
    def stopping():
        return [keras.callbacks.EarlyStopping("val_top2", min_delta=1, patience=1)]

    with warns_of_metrics:
        clf, model = fit_both(build_with_metrics, *rows, callbacks=stopping)
    check_same(clf, model)
    assert clf.n_iter_ == 2


def test_accuracy_under_another_name_trains_in_blocks(rows):
    def build(meta):
        model = functional()
        metrics = ["acc", keras.metrics.SparseCategoricalAccuracy(name="hits")]
        model.compile("adam", CROSSENTROPY[1], metrics=metrics)
        return model

    clf, model = fit_both(build, *rows, loss=CROSSENTROPY[1])  # and warns of nothing
    check_same(clf, model)
    assert clf.history_["val_hits"] == clf.history_["val_accuracy"]


def test_metrics_of_one_unit_are_those_of_keras(warns_of_metrics):
    def build(meta):
        model = functional(keras.Model, 1)
        metrics = ["accuracy", keras.metrics.Precision(name="precision"), "auc"]
        model.compile("adam", "binary_crossentropy", metrics=metrics)
        return model

    rng = np.random.default_rng(0)
    X, y = rng.random((N_ROWS, 6), dtype=np.float32), np.arange(N_ROWS) % 2
    with warns_of_metrics:
        clf, model = fit_both(build, X, y, loss="binary_crossentropy")
    check_same(clf, model)


def test_metric_inside_a_layer_is_reported(rows, warns_of_metrics):
    class Watching(layers.Layer):
        def __init__(self):
            super().__init__()
            self.mean = keras.metrics.Mean(name="activity")

        def call(self, x):
            self.mean.update_state(x)
            return x

    def build(meta):
        inputs = keras.Input((6,))
        watched = Watching()(layers.Dense(4)(inputs))
        return keras.Model(inputs, layers.Dense(3, activation="softmax")(watched))

    with warns_of_metrics:
        clf, model = fit_both(build, *rows)
    check_same(clf, model)
    assert {"activity", "val_activity"} <= set(clf.history_)


@pytest.mark.parametrize("build", [lambda meta: functional(), build_tracking])
def test_hooks_of_test_batches_are_called(build, rows):
    class Recorder(keras.callbacks.Callback):
        seen = []

        def on_test_batch_begin(self, batch, logs=None):
            self.seen.append(("begin", batch))

        def on_test_batch_end(self, batch, logs=None):
            self.seen.append((batch, sorted(logs), logs["loss"]))

    recorders = []

    def record():
        recorders.append(Recorder())
        recorders[-1].seen = []
        return [recorders[-1]]

    clf, model = fit_both(build, *rows, callbacks=record)
    check_same(clf, model)
    own, other = (recorder.seen for recorder in recorders)
    assert len(own) == 3 * 2 * 2
    assert [each[:2] for each in own] == [each[:2] for each in other]
    losses = [[each[2] for each in seen[1::2]] for seen in (own, other)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert clf.history_["val_loss"] == pytest.approx(losses[0][1::2])


def test_metrics_survive_a_copy_of_layers_made_outside(rows, warns_of_metrics):
    hidden = layers.Dense(8, activation="tanh")

    def build(meta):
        inputs = keras.Input((6,))
        outputs = layers.Dense(3, activation="softmax")(hidden(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("adam", CROSSENTROPY[0], metrics=["mae"])
        return model

    clf = KerasImageClassifier(build, epochs=1, random_state=0)
    with warns_of_metrics:
        clf.fit(*rows)
    assert "mae" in clf.history_


@pytest.mark.parametrize("name", ["fit", "predict_step"])
def test_method_that_the_classifier_does_not_call_is_refused(name, rows):
    own = type("Own", (keras.Model,), {name: lambda *args, **kwargs: None})
    clf = KerasImageClassifier(lambda meta: functional(own))
    with pytest.raises(TypeError, match=f"overrides {name}. The classifier does not"):
        clf.fit(*rows)

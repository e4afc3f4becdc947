"""User-defined Keras objects keep every attribute in clones, pickles and workers."""

import copy
import pickle
import threading

import cloudpickle
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skmnist import KerasMLPClassifier


class Focal(keras.losses.Loss):
    """Not registered with Keras."""

    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def call(self, y_true, y_pred):
        p = keras.ops.clip(y_pred, 1e-7, 1.0)
        loss = y_true * (1 - p) ** self.gamma * -keras.ops.log(p)
        return keras.ops.sum(loss, axis=-1)


@keras.saving.register_keras_serializable(package="test_copy")
class Registered(Focal):
    """Registered, with a configuration that leaves gamma out."""

    def get_config(self):
        return keras.losses.Loss.get_config(self)


class Shifted(keras.initializers.Initializer):
    def __init__(self, shift):
        self.shift = shift

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, self.shift, dtype)


SETTINGS = {"hidden_layer_sizes": (8,), "epochs": 2, "random_state": 0}
COPIES = {
    "clone": clone,
    "deepcopy": copy.deepcopy,
    "pickle": lambda clf: pickle.loads(pickle.dumps(clf)),
    "cloudpickle": lambda clf: pickle.loads(cloudpickle.dumps(clf)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("loss", [Focal, Registered])
def test_copy_keeps_attributes_of_a_loss(how, loss, digits, same_weights):
    clf = KerasMLPClassifier(loss=loss(5.0), **SETTINGS)
    copied = COPIES[how](clf)
    assert type(copied.loss) is loss
    assert copied.loss is not clf.loss
    assert copied.loss.gamma == 5.0
    assert same_weights(clf.fit(*digits), copied.fit(*digits))


@pytest.mark.parametrize("how", COPIES)
def test_copy_of_a_fitted_classifier_predicts_alike(how, digits):
    clf = KerasMLPClassifier(
        loss=Focal(5.0), bias_initializer=Shifted(0.5), **SETTINGS
    ).fit(*digits)
    copied = COPIES[how](clf)
    assert copied.bias_initializer.shift == 0.5
    if how == "clone":
        copied.fit(*digits)
    np.testing.assert_array_equal(
        copied.predict_proba(digits[0]), clf.predict_proba(digits[0])
    )


def test_copies_share_nothing_that_changes():
    callback = keras.callbacks.LambdaCallback()
    callback.seen = []
    both = [callback, callback]
    copied = clone(KerasMLPClassifier(callbacks=both)).callbacks
    assert copied[0] is copied[1] is not callback
    assert copied[0].seen is not callback.seen


class Weighted(keras.losses.Loss):
    """Weighs the cross-entropy by a variable."""

    def __init__(self):
        super().__init__()
        self.weight = keras.Variable(0.0, trainable=False)

    def call(self, y_true, y_pred):
        return self.weight * keras.losses.categorical_crossentropy(y_true, y_pred)


class SetsWeight(keras.callbacks.Callback):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight
        self.itself = self

    def on_epoch_begin(self, epoch, logs=None):
        self.weight.assign(1.0 + epoch)


class SetsWeightOf(SetsWeight):
    def __init__(self, loss):
        super().__init__(None)
        self.loss = loss

    def on_epoch_begin(self, epoch, logs=None):
        self.loss.weight.assign(1.0 + epoch)


@pytest.mark.parametrize("how", COPIES)
def test_copied_callback_sets_the_copied_loss(how, digits):
    loss = Weighted()
    clf = KerasMLPClassifier(loss=loss, callbacks=[SetsWeightOf(loss)], **SETTINGS)
    copied = COPIES[how](clf)
    assert copied.loss is copied.callbacks[0].loss is not loss
    assert copied.callbacks[0].itself is copied.callbacks[0]
    losses = clf.fit(*digits).history_["loss"]
    assert losses[0] > 0
    if keras.backend.backend() != "jax":  # which compiles the value of the first step
        assert losses[1] > 1.2 * losses[0]
    assert copied.fit(*digits).history_["loss"] == losses
    assert COPIES[how](clf).fit(*digits).history_["loss"][-1] > 0


class Holds(keras.callbacks.Callback):
    def __init__(self, held):
        super().__init__()
        self.held = held


def in_list(value):
    return [value]


def in_tuple(value):
    return (1, [value])


def in_dict(value):
    return {"losses": (value,)}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("put", [in_list, in_tuple, in_dict])
def test_copied_callback_holds_the_copied_loss_in_a_container(how, put):
    loss = Focal(5.0)
    clf = KerasMLPClassifier(loss=loss, callbacks=[Holds(put(loss))])
    copied = COPIES[how](clf)
    assert copied.callbacks[0] is not clf.callbacks[0]
    assert copied.loss is not loss
    assert copied.callbacks[0].held == put(copied.loss)  # losses are equal by identity


def test_cloned_callback_holds_the_cloned_callbacks():
    callbacks = [Holds(None)]
    callbacks[0].held = callbacks
    copied = clone(KerasMLPClassifier(callbacks=callbacks)).callbacks
    assert copied[0].held is copied is not callbacks


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("held", [[], {}, ([],), [Focal()]])
def test_copied_callbacks_share_a_container(how, held):
    clf = KerasMLPClassifier(callbacks=[Holds(held), Holds(held)])
    one, two = COPIES[how](clf).callbacks
    assert type(one.held) is type(held)
    assert one.held is two.held is not held


@pytest.mark.parametrize("how", COPIES)
def test_copied_callback_holds_a_container_inside_itself(how):
    items, table = [], {}
    items.append((items, table))
    table["items"] = items
    copied = COPIES[how](KerasMLPClassifier(callbacks=[Holds(items)]))
    held = copied.callbacks[0].held
    assert held is not items
    assert held[0][0] is held
    assert held[0][1]["items"] is held


def test_cloned_callback_that_holds_what_cannot_be_copied_is_shared():
    callbacks = [Holds([threading.Lock()])]
    assert clone(KerasMLPClassifier(callbacks=callbacks)).callbacks == callbacks


def test_cloned_callback_sets_the_variable_that_a_loss_function_uses(digits):
    weight = keras.Variable(0.0, trainable=False)

    def weighted(y_true, y_pred):
        return weight * keras.losses.categorical_crossentropy(y_true, y_pred)

    callbacks = [SetsWeight(weight)]
    clf = KerasMLPClassifier(loss=weighted, callbacks=callbacks, **SETTINGS)
    copied = clone(clf)
    assert copied.callbacks[0].weight is weight
    assert copied.callbacks[0] is not callbacks[0]
    losses = clf.fit(*digits).history_["loss"]
    assert losses[0] > 0
    assert copied.fit(*digits).history_["loss"] == losses


class Own(keras.optimizers.AdamW):
    """With an attribute that its configuration leaves out."""

    def __init__(self, learning_rate=0.01, scale=1.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.scale = scale

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, self.scale * learning_rate)


class FromBase(keras.optimizers.Optimizer):
    """Plain gradient descent."""

    def build(self, variables):
        super().build(variables)
        self.slots = [self.add_variable_from_reference(v, "slot") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, keras.ops.cast(learning_rate, "float32") * gradient)


class NotRebuilt(keras.optimizers.Adam):
    def get_config(self):
        raise NotImplementedError


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("make", [lambda: Own(0.02, 0.5), lambda: FromBase(0.1)])
def test_copy_of_a_user_defined_optimizer_trains_alike(how, make, digits, same_weights):
    clf = KerasMLPClassifier(optimizer=make(), **SETTINGS)
    copied = COPIES[how](clf)
    assert type(copied.optimizer) is type(clf.optimizer)
    assert copied.optimizer is not clf.optimizer
    assert same_weights(clf.fit(*digits), copied.fit(*digits))
    again = COPIES[how](clf)
    if how == "clone":
        again.fit(*digits)
    assert same_weights(clf, again)


@pytest.mark.parametrize("how", COPIES)
def test_copy_of_a_user_defined_optimizer_keeps_what_users_set(how):
    optimizer, loss = Own(0.02, 0.5, weight_decay=0.1), Focal(5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.seen = [1, {"two": 2}]
    optimizer.loss = loss
    optimizer.itself = optimizer
    optimizer.build([keras.Variable([1.0])])
    clf = KerasMLPClassifier(
        loss=loss, optimizer=optimizer, callbacks=[Holds([optimizer])]
    )
    copied = COPIES[how](clf)
    own = copied.optimizer
    assert (own.scale, own.seen, own.weight_decay) == (0.5, [1, {"two": 2}], 0.1)
    assert own.seen is not optimizer.seen
    assert own.loss is copied.loss is not loss
    assert own.itself is own is copied.callbacks[0].held[0] is not optimizer
    assert not own._use_weight_decay(keras.Variable([1.0], name="bias"))
    assert own._use_weight_decay(keras.Variable([1.0], name="kernel"))
    assert not own.built


def test_pickled_user_defined_optimizer_can_be_pickled_again():
    clf = KerasMLPClassifier(optimizer=Own(0.02, 0.5))
    for _ in range(2):
        clf = pickle.loads(pickle.dumps(clf))
    assert clf.optimizer.scale == 0.5


@pytest.mark.tensorflow
def test_optimizer_without_a_configuration_is_not_copied():
    with pytest.raises(RuntimeError, match="single instance"):
        clone(KerasMLPClassifier(optimizer=NotRebuilt()))


@pytest.mark.slow
def test_workers_train_with_an_unregistered_loss(digits):
    clf = KerasMLPClassifier(loss=Focal(5.0), **SETTINGS)
    one, two = (cross_val_score(clf, *digits, cv=2, n_jobs=n) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=0.02)

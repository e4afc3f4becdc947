"""What the differential tests against `keras.Model.fit` share."""

import contextlib
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from skmnist import KerasImageClassifier


@pytest.fixture
def warns_of_batches(trainer_class):
    """A function that returns a context in which a per-batch callback must warn.

    On PyTorch, training takes one step per call in any case, and nothing warns.
    """

    def context(name):
        if trainer_class.__name__ != "BlockTrainer":
            return contextlib.nullcontext()
        return pytest.warns(UserWarning, match=f"{name} overrides per-batch hooks")

    return context


@pytest.fixture
def trains_as_keras():
    """A function that fits a classifier and `keras.Model.fit`, and compares the two.

    Both take all rows as one batch, in the same order, from the same initial weights.
    """

    def check(
        build,
        X,
        y,
        *,
        optimizer=lambda: "adam",
        loss=lambda: "categorical_crossentropy",
        encode=lambda y: np.eye(3, dtype=np.float32)[y],
        callbacks=list,
        validation=False,
        dtype="float32",
        jit_compile="auto",
        keras_jit=False,
        epochs=2,
        atol=1e-5,
    ):
        n_rows = len(X)
        rtol = 1e-4
        if keras.backend.backend() != "tensorflow":
            # Keras's eager steps round differently from ours, which are compiled.
            rtol, atol = 1e-3, 3 * atol
        settings = {"validation_fraction": 0.5} if validation else {}
        clf = KerasImageClassifier(
            build,
            image_shape=X.shape[1:] if X.ndim > 2 else (-1,),
            optimizer=optimizer(),
            loss=loss(),
            epochs=epochs,
            batch_size=2 * n_rows,
            callbacks=callbacks(),
            dtype=dtype,
            jit_compile=jit_compile,
            random_state=0,
            **settings,
        ).fit(X, y)

        from skmnist._engine._seeds import isolated_build, seeded_generators
        from skmnist._engine._training import start

        state = start(clf._network, clf._training.seed)
        with isolated_build(state.seed, dtype):
            model = build(clf._network.meta)
        for variable, value in zip(model.variables, state.weights, strict=True):
            variable.assign(value)
        model.compile(
            optimizer(),
            loss(),
            metrics=["accuracy"],
            # Without tracing, which would take longer than these few steps.
            run_eagerly=not keras_jit,
            jit_compile=keras_jit,
        )
        targets = encode(y)
        held_out = clf.validation_indices_
        rows = np.setdiff1d(np.arange(n_rows), held_out)
        # One batch for each epoch: all rows, in the order in which the classifier
        # shuffles them.
        order = np.concatenate(
            [
                np.random.default_rng([state.seed, epoch]).permutation(rows)
                for epoch in range(epochs)
            ]
        )
        with seeded_generators(state.seed % 2**32):
            history = model.fit(
                X[order],
                targets[order],
                batch_size=len(rows),
                steps_per_epoch=1,
                epochs=epochs,
                shuffle=False,
                validation_data=(X[held_out], targets[held_out])
                if validation
                else None,
                callbacks=callbacks(),
                verbose=0,
            ).history
        assert set(clf.history_) == set(history)
        for name, values in history.items():
            np.testing.assert_allclose(
                clf.history_[name], values, rtol=rtol, atol=atol, err_msg=name
            )
        for actual, expected in zip(clf.model_.variables, model.variables, strict=True):
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(actual.value),
                keras.ops.convert_to_numpy(expected.value),
                rtol=rtol,
                atol=atol,
                err_msg=expected.path,
            )
        for actual, expected in zip(
            clf._training.optimizer_state, model.optimizer.variables, strict=True
        ):
            np.testing.assert_allclose(
                actual,
                keras.ops.convert_to_numpy(expected.value),
                rtol=rtol,
                atol=atol,
                err_msg=expected.path,
            )
        probabilities = clf.predict_proba(X)
        own = clf.model_.predict(X, batch_size=n_rows, verbose=0)
        if own.shape[1] == 1:
            own = np.hstack([1 - own, own])
        np.testing.assert_allclose(probabilities, own, rtol=rtol, atol=atol)
        return SimpleNamespace(clf=clf, model=model)

    return check

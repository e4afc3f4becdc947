"""The classifier that the public ones share: scikit-learn's side of a Keras network."""

import copy
import math
import os
import threading
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils._param_validation import HasMethods, Hidden, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from skmnist._engine._dtypes import DTYPES, fit_encoder
from skmnist._engine._placeholder import Placeholder
from skmnist._seed import draw_seed
from skmnist.classifiers._checks import (
    as_python,
    check_same_classes,
    check_settings,
    check_weight,
    combine_weights,
    refuse_left_out,
    root_mean_square,
    warn_of_another_scale,
    warn_of_scale,
)
from skmnist.persistence._context import state_is_data

_MODEL_LOCK = threading.Lock()


class BaseKerasClassifier(ClassifierMixin, BaseEstimator):
    """Fit, predict and report with a network that a subclass builds.

    A subclass names its builder and the builder's keywords in `_builder`, and its
    hyperparameters in an explicit ``__init__``.
    """

    _parameter_constraints = {
        "optimizer": [str, HasMethods(["apply", "get_config"])],
        "learning_rate": [None, Interval(Real, 0, None, closed="neither")],
        "loss": [str, callable],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean"],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "restore_best_weights": ["boolean"],
        "dtype": [StrOptions(set(DTYPES))],
        "callbacks": [
            None,
            list,
            tuple,
            HasMethods(["set_model", "on_epoch_end"]),
            Hidden(Placeholder),
        ],
        "jit_compile": ["boolean", StrOptions({"auto"})],
        "checkpoint_dir": [str, os.PathLike, None],
        "save_best": [
            StrOptions({"loss", "accuracy", "val_loss", "val_accuracy"}),
            None,
        ],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["boolean", Interval(Integral, 0, 2, closed="both")],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        # `model_` is rebuilt from the weights on demand.
        state = {name: value for name, value in state.items() if name != "_model"}
        if state_is_data():
            from skmnist.persistence._state import to_data

            return to_data(self, state)
        # Plain dicts, so that a pickle names no private class.
        for name in {"_network", "_training"} & state.keys():
            state[name] = state[name].as_dict()
        return state

    def __setstate__(self, state):
        if state_is_data():
            from skmnist.persistence._state import from_data

            state = from_data(self, state)
        elif "_network" in state:
            from skmnist._engine._network import Network
            from skmnist._engine._training import Training

            state = dict(state)
            for name, cls in (("_network", Network), ("_training", Training)):
                if isinstance(state[name], dict):  # else from an earlier version
                    state[name] = cls(**state[name])
        super().__setstate__(state)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Pixels near unit scale. uint8, float32 and float64 are taken as they are.
        y : array-like of shape (n_samples,)
            Labels: integers, booleans or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample, non-negative. None weighs all alike.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If the data or a hyperparameter is not usable. Nothing is trained then.
        OSError
            If the checkpoint cannot be written, with the fitted attributes set to what
            there is; or if it cannot be read.
        KeyboardInterrupt
            After Ctrl-C, with the fitted attributes set to what there is: the weights
            as they were at that moment, and the history of the full epochs.
        """
        X, y = self._validate_fit_data(X, y, reset=True)
        return self._fit(X, y, sample_weight, self.epochs, going_on=self.warm_start)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch more.

        `fit` with ``epochs=k`` and an integer `random_state` equals k such calls on the
        same rows. `validation_fraction` and `early_stopping` do not take part.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Pixels near unit scale.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            Every label that may ever come. Needed at the first call where y does not
            hold them all.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        ValueError
            If `class_weight` is "balanced" (a part of the data cannot tell how often
            its classes come), or `classes` are not those of the first call.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does "
                "not see the whole data. Pass sample_weight, or a dict of weights from "
                "sklearn.utils.class_weight.compute_class_weight."
            )
        first = not hasattr(self, "_training")
        X, y = self._validate_fit_data(X, y, reset=first)
        return self._fit(
            X, y, sample_weight, 1, going_on=True, classes=classes, partial=True
        )

    def predict(self, X):
        """Predict the label of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Laid out and scaled as at `fit`.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Labels, of the type `fit` was given.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Laid out and scaled as at `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; float32, or float64 under that policy.
        """
        check_is_fitted(self)
        X = self._validate_images(X)
        return self._network.predict(self._training.weights, X)

    def evaluate(self, X, y, sample_weight=None):
        """Compute loss and accuracy in inference mode, without dropout.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Laid out and scaled as at `fit`.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        scores : dict of str to float
            ``"loss"``, with the penalties that training adds, and ``"accuracy"``, a
            fraction.
        """
        check_is_fitted(self)
        X = self._validate_images(X)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        targets = self._encoder.transform(y)
        weight = check_weight(sample_weight, X)
        return self._network.evaluate(self._training.weights, X, targets, weight)

    def summary(self):
        """Describe the network's layers, as ``keras.Model.summary`` prints them.

        Returns
        -------
        text : str
            One line a layer, with output shapes and numbers of parameters.
        """
        lines = []
        self.model_.summary(print_fn=lambda line, **_: lines.append(line))
        return "\n".join(lines)

    def to_scikeras(self):
        """Return the equivalent SciKeras classifier, with the same weights.

        Returns
        -------
        classifier : scikeras.wrappers.KerasClassifier
            Initialised. It takes samples laid out as `image_shape_`, of the network's
            dtype: ``X.reshape(-1, *clf.image_shape_)``.
        """
        check_is_fitted(self)
        return self._network.to_scikeras(
            self._training.weights,
            self.classes_,
            batch_size=self.batch_size,
            epochs=self.epochs,
            verbose=int(self.verbose),
        )

    @property
    def model_(self):
        """The network with the fitted weights, a private keras.Model, compiled.

        Built on first access and then kept. It is the caller's to change: predictions
        come from the estimator's own weights.
        """
        check_is_fitted(self)
        with _MODEL_LOCK:
            if "_model" not in vars(self):
                self._model = self._network.model(self._training.weights)
            return self._model

    def _fit(
        self, X, y, sample_weight, epochs, *, going_on, classes=None, partial=False
    ):
        # The first fit of a process loads Keras here, not at import.
        from skmnist._engine._training import start, train

        going_on = going_on and hasattr(self, "_training")
        encoder = self._encoder if going_on else self._fit_encoder(y, classes)
        if going_on and classes is not None:
            check_same_classes(classes, self.classes_)
        targets = encoder.transform(y)
        weight = combine_weights(sample_weight, self.class_weight, y, encoder.classes_)
        seed = self._training.seed if going_on else draw_seed(self.random_state)
        rows, held_out = np.arange(len(X)), np.arange(0)
        if not partial:
            rows, held_out = self._hold_out(y, seed)
        network = self._make_network(X, encoder.classes_)
        if going_on:
            training = self._training.copy()
            network.check_state(training.weights)
        else:
            training = start(network, seed)
        parts = network, encoder, held_out, root_mean_square(X)
        checkpoint = None
        try:
            self._check_network(network, training.weights, X)
            if self.checkpoint_dir is not None and not partial:
                identity = training, X, y, weight
                checkpoint = self._make_checkpoint(network, *identity, parts)
            warn_of_scale(X, network.input_scale())
            train(
                network,
                training,
                (X, targets, weight),
                rows,
                held_out,
                epochs=epochs,
                batch_size=self.batch_size,
                patience=(
                    self.n_iter_no_change
                    if self.early_stopping and not partial
                    else None
                ),
                restore_best_weights=self.restore_best_weights,
                callbacks=_as_list(self.callbacks),
                jit_compile=self.jit_compile,
                checkpoint=checkpoint,
                verbose=int(self.verbose),
            )
        except (KeyboardInterrupt, OSError) as error:
            if isinstance(error, KeyboardInterrupt) or training.n_epochs:
                self._set_fitted(training, *parts, checkpoint)
            raise
        return self._set_fitted(training, *parts, checkpoint)

    def _set_fitted(self, training, network, encoder, held_out, rms, checkpoint=None):
        for name in ("_model", "best_model_path_"):
            vars(self).pop(name, None)
        if checkpoint is not None and checkpoint.monitor is not None:
            self.best_model_path_ = str(checkpoint.best_path)
        self._network = network
        self._training = training
        self._encoder = encoder
        self._rms = rms
        self.classes_ = encoder.classes_
        self.history_ = training.history
        self.n_iter_ = training.n_epochs
        self.best_epoch_ = training.best_epoch
        self.validation_indices_ = held_out
        return self

    def _builder(self):
        """Return the builder and the keywords to call it with."""
        raise NotImplementedError

    def _layout(self, sample_shape):
        """Return the shape a sample is handed to the network in."""
        return sample_shape

    def _check_network(self, network, weights, X):
        """Check what a network makes of the data before it is trained."""

    def _make_network(self, X, classes):
        from skmnist._engine._network import Network, network_meta

        builder, params = self._builder()
        return Network(
            builder,
            as_python(params),
            network_meta(X.shape, X.dtype, self.n_features_in_, classes),
            self.optimizer,
            as_python(self.learning_rate),
            self.loss,
            self.dtype,
        )

    def _validate_fit_data(self, X, y, *, reset):
        refuse_left_out(self)
        is_table = isinstance(y, np.ndarray | list) or hasattr(y, "iloc")
        if is_table and np.ndim(y) == 2 and np.shape(y)[1] > 1:
            raise ValueError(
                f"y should be a 1d array of labels, got shape {np.shape(y)}. One-hot "
                "rows are made inside; turn yours back into labels with "
                "OneHotLabelEncoder.inverse_transform."
            )
        check_settings(self)
        X, y = validate_data(self, X, y, reset=reset, **self._checks())
        check_classification_targets(y)
        return self._lay_out(X, reset=reset), y

    def _validate_images(self, X):
        X = validate_data(self, X, reset=False, **self._checks())
        X = self._lay_out(X, reset=False)
        warn_of_another_scale(X, self._rms)
        return X

    def _checks(self):
        return {"dtype": [np.float32, np.float64, np.uint8], "allow_nd": True}

    def _lay_out(self, X, *, reset):
        sample_shape = X.shape[1:]
        if not 1 <= len(sample_shape) <= 3 or not math.prod(sample_shape):
            raise ValueError(
                f"Expected X of shape (n_samples, n_features) or (n_samples, height, "
                f"width[, channels]), got {X.shape}."
            )
        if reset:
            layout = self._layout(sample_shape)
            self.image_shape_ = layout
            self._sample_shape = sample_shape
        elif sample_shape != self._sample_shape:
            raise ValueError(
                f"X has samples of shape {sample_shape}, but {type(self).__name__} was "
                f"fitted on samples of shape {self._sample_shape}."
            )
        return X.reshape(len(X), *self.image_shape_)

    def _fit_encoder(self, y, classes):
        encoder = fit_encoder(y if classes is None else classes, self.dtype)
        if len(encoder.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the "
                "data, but the data contains only one class: "
                f"{encoder.classes_.tolist()[0]!r}."
            )
        return encoder

    def _make_checkpoint(self, network, training, X, y, weight, parts):
        from skmnist.classifiers._checkpoint import Checkpoint

        params = self.get_params(deep=False)
        for name in ("callbacks", "checkpoint_dir", "random_state", "verbose"):
            params.pop(name)

        def as_classifier(state):
            # Of no use elsewhere, where the file may be taken.
            clf = copy.copy(self).set_params(checkpoint_dir=None, save_best=None)
            return clf._set_fitted(state, *parts)

        return Checkpoint(
            self.checkpoint_dir,
            *(type(self), params, network.describe(), X, y, weight),
            vars(training),
            monitor=self.save_best,
            as_classifier=as_classifier,
        )

    def _hold_out(self, y, seed):
        rows = np.arange(len(y))
        if not self.validation_fraction:
            return rows, rows[:0]
        train, held_out = train_test_split(
            rows, test_size=self.validation_fraction, stratify=y, random_state=seed
        )
        return np.sort(train), np.sort(held_out)


def _as_list(callbacks):
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]

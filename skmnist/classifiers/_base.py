"""Base class of the public classifiers."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils._param_validation import HasMethods, Hidden, Interval, StrOptions
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from skmnist._callbacks import CallbackSupportMixin
from skmnist._engine._dtypes import DTYPES
from skmnist._engine._placeholder import Placeholder
from skmnist._engine._schedules import SCHEDULES
from skmnist._rows import is_memory_mapped
from skmnist.classifiers._checks import (
    as_list,
    as_python,
    check_routed_names,
    check_weight,
)
from skmnist.classifiers._copy import CopyMixin
from skmnist.classifiers._data import (
    DTYPES_OF_X,
    check_fit_data,
    check_predict_data,
    check_validation_set,
    unchanged_on_failure,
)
from skmnist.classifiers._fit import FitMixin
from skmnist.classifiers._keywords import explain_keywords

if TYPE_CHECKING:
    from typing import Any, Self

    from scikeras.wrappers import KerasClassifier
    from sklearn.utils import Tags

    from skmnist._typing import ArrayLike, Model


class BaseKerasClassifier(
    CopyMixin, FitMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Base class for classifiers that train a Keras network.

    Subclasses define their parameters in an explicit ``__init__`` and return their
    builder and its keyword arguments from `_builder`.
    """

    _parameter_constraints = {
        "optimizer": [str, HasMethods(["apply", "get_config"])],
        "learning_rate": [
            None,
            Interval(Real, 0, None, closed="neither"),
            HasMethods(["__call__", "get_config"]),
            Hidden(Placeholder),
        ],
        "learning_rate_schedule": [StrOptions(set(SCHEDULES))],
        "loss": [str, callable],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "random_rotation": [Interval(Real, 0, 0.5, closed="both")],
        "random_translation": [Interval(Real, 0, 1, closed="left")],
        "random_zoom": [Interval(Real, 0, 1, closed="left")],
        "random_shear": [Interval(Real, 0, 1, closed="left")],
        "random_elastic": [Interval(Real, 0, 1, closed="left")],
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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this classifier.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        ValueError
            If the classifier has no such parameter.
        """
        check_routed_names(self, params)
        return super().set_params(**params)

    @explain_keywords
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Training samples, with pixels near unit scale. uint8, float32 and float64
            are accepted without conversion.
        y : array-like of shape (n_samples,)
            Class labels: integers, booleans or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative sample weights. If None, all samples have weight 1.
        X_val : array-like of the shape of X, with n_val samples, default=None
            Samples to evaluate after every epoch, for `early_stopping` and for
            "val_loss" and "val_accuracy" in `history_`, in place of a fraction of X.
            Excludes `validation_fraction`. In a Pipeline with
            ``transform_input=["X_val"]`` they pass through the transformers.
        y_val : array-like of shape (n_val,), default=None
            Class labels of `X_val`, all of which are in y.
        sample_weight_val : array-like of shape (n_val,), default=None
            Non-negative weights of `X_val`. If None, all samples have weight 1.

        Returns
        -------
        self : object
            Fitted classifier.

        Raises
        ------
        ValueError
            If the data or a parameter is invalid, before training starts; or if the
            loss becomes infinite or NaN.
        OSError
            If the checkpoint cannot be read or written. If it cannot be written, the
            fitted attributes hold the result of the epochs trained so far.
        KeyboardInterrupt
            If the fit is interrupted. The fitted attributes hold the weights at that
            moment and the history of the completed epochs.
        """
        validation = X_val, y_val, sample_weight_val
        has_validation_set = any(part is not None for part in validation)
        given = X, y
        with unchanged_on_failure(self):
            X, y = check_fit_data(
                self, X, y, reset=True, has_validation_set=has_validation_set
            )
            return self._fit(
                X,
                y,
                sample_weight,
                int(self.epochs),
                given=given,
                resume=self.warm_start,
                validation=check_validation_set(self, *validation),
                validation_weighted=sample_weight_val is not None,
            )

    @explain_keywords
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch.

        k calls on the same samples equal one `fit` with ``epochs=k`` and the same
        integer `random_state`, unless the optimizer averages weights, which it then
        does at the end of each call, or the learning rate changes. Here it stays
        constant, because the number of calls is not known: `learning_rate_schedule` is
        ignored, and so are `validation_fraction`, `early_stopping` and
        `checkpoint_dir`. A schedule of Keras goes on from call to call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Training samples, with pixels near unit scale.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes across all calls to `partial_fit`. Required on the first call
            if y does not contain all of them; can be omitted on later calls.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative sample weights. If None, all samples have weight 1.

        Returns
        -------
        self : object
            Fitted classifier.

        Raises
        ------
        ValueError
            If the data or a parameter is invalid, if `class_weight` is "balanced", or
            if `classes` differs from the classes of the first call.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, because "
                "class frequencies of the whole data are not known. Pass "
                "sample_weight, or a dict of weights from "
                "sklearn.utils.class_weight.compute_class_weight."
            )
        first = not hasattr(self, "_training")
        given = X, y
        with unchanged_on_failure(self):
            # Early stopping, which needs validation samples, is ignored.
            X, y = check_fit_data(self, X, y, reset=first, has_validation_set=True)
            return self._fit(
                X,
                y,
                sample_weight,
                1,
                given=given,
                resume=True,
                classes=classes,
                partial=True,
            )

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the same shape and scale as in `fit`.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Predicted labels, of the dtype of the y passed to `fit`.
        """
        check_is_fitted(self)
        X = check_predict_data(self, X)
        probabilities = self._network.predict(self._training.weights, X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the same shape and scale as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Class probabilities, with columns in the order of `classes_`. float64 if
            `dtype` is "float64", else float32.
        """
        check_is_fitted(self)
        X = check_predict_data(self, X)
        return self._network.predict(self._training.weights, X)

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict logarithms of class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the same shape and scale as in `fit`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Natural logarithms of `predict_proba`; -inf for a probability of 0.
        """
        check_is_fitted(self)
        X = check_predict_data(self, X)
        probabilities = self._network.predict(self._training.weights, X)
        with np.errstate(divide="ignore"):
            return np.log(probabilities)

    def evaluate(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """Compute the loss and the accuracy in inference mode, without dropout.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the same shape and scale as in `fit`.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative sample weights. If None, all samples have weight 1.

        Returns
        -------
        scores : dict of str to float
            ``"loss"``, including regularization penalties, and ``"accuracy"``, a
            fraction in [0, 1].
        """
        check_is_fitted(self)
        X = check_predict_data(self, X)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        targets = self._encoder.transform(y)
        weight = check_weight(sample_weight, X)
        return self._network.evaluate(self._training.weights, X, targets, weight)

    def summary(self) -> None:
        """Print the table of layers, as ``keras.Model.summary`` does.

        The table lists the layers with their output shapes and parameter counts.
        """
        self.model_.summary()

    def to_scikeras(self) -> KerasClassifier:
        """Return the equivalent SciKeras classifier, with the same weights.

        It predicts the same, and `fit` and `partial_fit` train it. It has the network,
        optimizer and its state, loss, history, `batch_size`, `epochs`, `class_weight`,
        `callbacks` (the same objects), `warm_start`, `random_state` and `verbose` of
        this classifier; `early_stopping` becomes a Keras callback.

        Returns
        -------
        classifier : scikeras.wrappers.KerasClassifier
            It expects samples of shape `image_shape_`, of any dtype:
            ``X.reshape(-1, *clf.image_shape_)``.

        Notes
        -----
        What SciKeras has no equivalent of:

        - `validation_fraction` becomes ``validation_split``, which holds out the last
          rows, not rows stratified by class, in `partial_fit` too. A validation set
          passed to `fit` is left out, and `early_stopping` with it.
        - The order of the rows is another, so training ends with other weights; with an
          integer `random_state` it is the same in every call of `partial_fit`.
        - The loss of a batch is divided by the number of its samples, not by the sum of
          their weights.
        - `dtype` applies until `fit` builds a new network, in Keras's own dtype policy.
        - Augmentation, `label_smoothing`, `learning_rate_schedule`, `jit_compile`,
          `checkpoint_dir` and `save_best` are left out.

        Of SciKeras itself: it cannot train a subclassed ``keras.Model``;
        ``predict_proba`` of one sample is one-dimensional; and with `class_weight`,
        `fit` changes the array passed as `sample_weight`.
        """
        check_is_fitted(self)
        class_weight = self.class_weight
        if isinstance(class_weight, dict):
            # SciKeras refuses labels that y does not contain.
            labels = self.classes_.tolist()
            class_weight = {k: v for k, v in class_weight.items() if k in labels}
        callbacks = as_list(self.callbacks)
        stops = self.early_stopping and self.validation_fraction
        return self._network.to_scikeras(
            self._training,
            patience=int(self.n_iter_no_change) if stops else None,
            restore_best=self.restore_best_weights,
            callbacks=[c for c in callbacks if not isinstance(c, Placeholder)],
            batch_size=int(self.batch_size),
            epochs=int(self.epochs),
            class_weight=class_weight,
            validation_split=float(self.validation_fraction),
            warm_start=self.warm_start,
            random_state=as_python(self.random_state),
            verbose=int(self.verbose),
        )

    @property
    def model_(self) -> Model:
        """Compiled keras.Model with the fitted weights, built on first access.

        The model is a copy: changing its weights does not affect the classifier's
        predictions.
        """
        check_is_fitted(self)
        model = vars(self).get("_model")
        if model is None:
            # Atomic, so that threads that share a classifier get one model. Building
            # may wait for another thread's training, so no lock is held meanwhile.
            model = self._network.model(self._training.weights)
            model = vars(self).setdefault("_model", model)
        return model

    def _takes_rows_of(self, X):
        """Return whether `fit` and `predict` take ``Rows(X, rows)`` for ``X[rows]``.

        That saves a copy of a memory map. A subclass may read X as an array.
        """
        own = type(self).__module__ == "skmnist.classifiers"
        return own and is_memory_mapped(X) and X.ndim > 1 and X.dtype in DTYPES_OF_X

    def _builder(self):
        """Return the builder and its keyword arguments."""
        raise NotImplementedError

    def _layout(self, sample_shape):
        """Return the shape of one sample as passed to the network."""
        return sample_shape

    def _check_network(self, network, weights, X):
        """Raise ValueError if the untrained network's predictions are invalid."""

"""Training a classifier on validated data: `fit` and `partial_fit` call this."""

import copy
from typing import Any, NamedTuple

import numpy as np

from skmnist._callbacks import fit_task, training_data
from skmnist._rows import read_in_random_order
from skmnist._seed import draw_seed
from skmnist.classifiers._augmentation import augmentation_of
from skmnist.classifiers._checks import (
    as_list,
    as_python,
    check_same_classes,
    check_takes_smooth_labels,
    check_warm_start_classes,
    check_weight,
    find_background,
    root_mean_square,
    warn_if_unscaled,
    warn_of_unknown_classes,
)
from skmnist.classifiers._data import (
    check_fit_data,
    fit_label_encoder,
    smooth_labels,
    weigh_and_split,
)


class Task(NamedTuple):
    """What a fit trains, and on what.

    Attributes
    ----------
    network : Network
    training : Training
        The state to begin with.
    data : tuple of (X, targets, weight)
    rows : ndarray of int
        The samples to train on.
    validation : tuple of (data, rows) or None
        The samples to evaluate; rows are None for all.
    augmentation : tuple of (Augmentation, image_shape) or None
    weighted : tuple of (bool, bool)
        Whether the user has given weights of the training and validation samples.
    parts : tuple
        Further arguments of ``classifier._set_fitted``.
    """

    network: Any
    training: Any
    data: tuple
    rows: np.ndarray
    validation: tuple | None
    augmentation: tuple | None
    weighted: tuple
    parts: tuple


class FitMixin:
    """How classifiers are trained, and get their fitted attributes."""

    n_features_in_: int
    feature_names_in_: np.ndarray
    classes_: np.ndarray
    image_shape_: tuple[int, ...]
    n_iter_: int
    best_epoch_: int
    history_: dict[str, list[float]]
    validation_indices_: np.ndarray
    best_model_path_: str

    # Of classifiers that were saved before it was recorded.
    _background = None
    # Called with a copy of the classifier as of each epoch of `fit`, if it is set.
    _after_epoch = None

    def _fit(self, X, y, sample_weight, epochs, *, given, partial=False, **options):
        """Train on validated data and set the fitted attributes.

        Parameters
        ----------
        X : ndarray of shape (n_samples, *image_shape_)
        y : ndarray of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None
        epochs : int
            Number of epochs to add.
        given : tuple of (X, y)
            The data before validation, as callbacks get it.
        partial : bool, default=False
            Whether `partial_fit` is the caller: train on all samples, without early
            stopping, schedules and checkpoints.
        **options
            Further arguments of `_prepare`.
        """
        task = self._prepare(X, y, sample_weight, partial=partial, **options)
        rows = task.rows if len(task.rows) < len(X) else None
        data = training_data(*given, sample_weight, rows)
        with fit_task(self, max_subtasks=epochs, **data) as context:
            return self._train(task, epochs, partial, context, data)

    def _prepare(
        self,
        X,
        y,
        sample_weight,
        *,
        resume,
        validation=None,
        validation_weighted=False,
        classes=None,
        partial=False,
    ):
        """Check everything that a fit needs, and return its task.

        Parameters
        ----------
        X, y, sample_weight, partial
            As in `_fit`.
        resume : bool
            Whether to continue from the current weights, if there are any.
        validation : tuple of (X, y, sample_weight), optional
            The validation set that the user has passed.
        validation_weighted : bool, default=False
            Whether the user has passed weights of it.
        classes : array-like of shape (n_classes,), optional
            All classes, if y may lack some of them.

        Returns
        -------
        task : Task
        """
        resume = resume and hasattr(self, "_training")
        encoder = self._encoder if resume else fit_label_encoder(self, y, classes)
        if resume and classes is not None:
            check_same_classes(classes, self.classes_)
        if resume and not partial:
            check_warm_start_classes(y, self.classes_)
        given_weight = check_weight(sample_weight, y)
        warn_of_unknown_classes(self.class_weight, encoder.classes_)
        targets = encoder.transform(y)
        if validation is not None:
            X_val, y_val, weight_val = validation
            validation = X_val, encoder.transform(y_val), weight_val
        # Drawn after validation, so that invalid data does not advance a RandomState,
        # and before the split, which depends on it: a warm start reuses the seed and so
        # holds out the same rows again.
        seed = self._training.seed if resume else draw_seed(self.random_state)
        fraction = 0 if partial else self.validation_fraction
        weight, rows, held_out = weigh_and_split(
            y, given_weight, self.class_weight, fraction, seed
        )
        # `train` modifies this state, not that of the previous fit, and the fitted
        # attributes are set in one place at the end. So a fit that fails leaves the
        # network, weights and history of the previous fit as they were.
        if resume:
            network, training = self._resume(X, partial)
        else:
            network, training = self._start(X, encoder.classes_, seed)
        # Starting may have decided on another shape.
        X = X.reshape(-1, *self.image_shape_)
        if validation is not None:
            X_val, *rest = validation
            validation = (X_val.reshape(-1, *self.image_shape_), *rest), None
        elif len(held_out):
            validation = (X, targets, weight), held_out
        augmentation = augmentation_of(self)
        if self.label_smoothing:
            check_takes_smooth_labels(network)
        self._check_network(network, training.weights, X)
        warn_if_unscaled(X, network.input_scale())
        return Task(
            network,
            training,
            # Validation scores are those of the labels themselves.
            (X, smooth_labels(targets, self.label_smoothing), weight),
            rows,
            validation,
            augmentation,
            (
                sample_weight is not None or self.class_weight is not None,
                (sample_weight is not None) if len(held_out) else validation_weighted,
            ),
            (network, encoder, held_out, root_mean_square(X), find_background(X)),
        )

    def _train(self, task, epochs, partial, context, data):
        """Train, and set the fitted attributes, also if training is interrupted."""
        # The first fit of a process imports Keras; `import skmnist` does not.
        from skmnist._engine._observers import AfterEpoch, EpochTasks
        from skmnist._engine._training import train

        training, parts, checkpoint = task.training, task.parts, None
        observers = []
        if self._after_epoch is not None:

            def after_epoch(state):
                self._after_epoch(self._as_of(state, parts))

            observers.append(AfterEpoch(after_epoch))
        if context is not None:

            def fitted_attributes(state):
                return vars(self._as_of(state, parts))

            observers.append(EpochTasks(context, self, data, fitted_attributes))
        try:
            if self.checkpoint_dir is not None and not partial:
                checkpoint = self._make_checkpoint(task)
            stops = self.early_stopping and not partial
            with read_in_random_order(task.data[0]):
                train(
                    task.network,
                    training,
                    task.data,
                    task.rows,
                    task.validation,
                    epochs=epochs,
                    batch_size=int(self.batch_size),
                    schedule="constant" if partial else self.learning_rate_schedule,
                    augmentation=task.augmentation,
                    patience=int(self.n_iter_no_change) if stops else None,
                    restore_best_weights=self.restore_best_weights,
                    callbacks=as_list(self.callbacks),
                    jit_compile=self.jit_compile,
                    checkpoint=checkpoint,
                    observers=observers,
                    verbose=int(self.verbose),
                    weighted=task.weighted,
                )
        except (KeyboardInterrupt, OSError) as error:
            # Hours of training are not lost to Ctrl-C or a full disk. An OSError before
            # the first epoch, e.g. an unreadable checkpoint, leaves nothing to keep.
            if isinstance(error, KeyboardInterrupt) or training.n_epochs:
                self._set_fitted(training, *parts, checkpoint)
            raise
        return self._set_fitted(training, *parts, checkpoint)

    def _make_checkpoint(self, task):
        from skmnist.classifiers._checkpoint import make_checkpoint

        sets = tuple(map(np.asarray, task.data))
        if task.validation is not None and task.validation[0][0] is not task.data[0]:
            sets += task.validation[0]
        return make_checkpoint(self, task.network, task.training, sets, task.parts)

    def _losses_at_rates(self, X, y, rates):
        """Train for one step at each learning rate; return the losses of the batches.

        The classifier gets the attributes of validated data, but is not fitted.
        """
        from skmnist._engine._range_test import losses_at_rates

        self._validate_params()
        # `fit` may be given a validation set, so early stopping is no error here.
        X, y = check_fit_data(self, X, y, reset=True, has_validation_set=True)
        task = self._prepare(X, y, None, resume=False)
        weight = task.data[2]
        return losses_at_rates(
            task.network,
            task.training,
            task.data,
            task.rows[weight[task.rows] > 0],  # a batch without weight has no loss
            rates,
            batch_size=int(self.batch_size),
            augmentation=task.augmentation,
            jit_compile=self.jit_compile,
            weighted=task.weighted[0],
        )

    def _as_of(self, state, parts):
        """Return a copy of the classifier fitted with a state of its training."""
        return copy.copy(self)._set_fitted(state, *parts)

    def _set_fitted(
        self, training, network, encoder, held_out, rms, background, checkpoint=None
    ):
        # Both belong to the previous fit.
        for name in ("_model", "best_model_path_"):
            vars(self).pop(name, None)
        if checkpoint is not None and checkpoint.monitor is not None:
            self.best_model_path_ = str(checkpoint.best_path)
        self._network = network
        self._training = training
        self._encoder = encoder
        self._rms = rms
        self._background = background
        self.classes_ = encoder.classes_
        self.history_ = training.history
        self.n_iter_ = training.n_epochs
        self.best_epoch_ = training.best_epoch
        self.validation_indices_ = held_out
        return self

    def _start(self, X, classes, seed):
        """Return a new network and its initial state."""
        from skmnist._engine._training import start

        network = self._make_network(X, classes)
        return network, start(network, seed)

    def _resume(self, X, partial):
        """Return a network with the current parameters, and a copy of the state."""
        from skmnist._engine._resume import resume

        network = self._make_network(X, self.classes_)
        training = self._training.copy()
        resume(network, training, self._network, partial=partial)
        return network, training

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

"""Classifier for networks built by a user-defined function."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING

import numpy as np

from skmnist.architectures import resolve_image_shape
from skmnist.classifiers._base import BaseKerasClassifier
from skmnist.classifiers._checks import SMALLEST_SIDE
from skmnist.classifiers._keywords import explain_keywords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, Self

    from skmnist._typing import (
        Callbacks,
        ClassWeight,
        LearningRate,
        Loss,
        Model,
        Optimizer,
        PathLike,
        RandomState,
        Schedule,
        Score,
        Shape,
    )


# Arguments of a builder that SciKeras passes itself.
_GIVEN = "meta", "compile_kwargs", "params"
# Samples whose outputs are checked before training: one block of predictions.
_MOST_CHECKED = 256


class KerasImageClassifier(BaseKerasClassifier):
    """Classifier that trains a network built by a user-defined function.

    The builder follows the convention of SciKeras: a function of ``meta``, a dict with
    ``"X_shape_"``, ``"n_classes_"`` and more, and of its own keyword arguments, that
    returns a network with one output probability per class, or for two classes with one
    sigmoid unit. If the builder compiles it, its optimizer and loss hold, and those of
    the classifier stay at their defaults. Keyword arguments of the builder are
    hyperparameters of the classifier, named ``model__name`` in `set_params` and
    parameter grids.

    Parameters
    ----------
    model : callable
        Builder of the network.
    model_params : dict, default=None
        Keyword arguments of the builder.
    image_shape : tuple of int, default=None
        Shape to which flat samples are reshaped: (h, w) or (h, w, channels), of which
        one entry may be -1. (-1,) keeps flat samples flat. If None, the shape of images
        is kept, and flat samples are reshaped to a square if their length is a square
        number and the network takes such images; otherwise they stay flat. Of fewer
        than 64 values they stay flat if the network takes both.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Optimizer. Every fit trains with a copy, so an instance passed here is never
        modified.
    learning_rate : float or LearningRateSchedule, default=None
        Step size of the optimizer, or an object of ``keras.optimizers.schedules``. If
        None, the step size of the optimizer itself is used, e.g. 0.001 for "adam".
        `LearningRateDisplay` measures a suitable one.
    learning_rate_schedule : {"constant", "cosine", "one_cycle"}, default="constant"
        Change of the learning rate over the `epochs` of a fit, from step to step.
        "cosine" falls from `learning_rate` to zero along half a cosine wave;
        "one_cycle" first rises from a 25th of it, over 30 % of the steps. With
        `warm_start`, each fit runs through the whole schedule. `partial_fit` keeps the
        learning rate constant.
    loss : str, callable or keras.losses.Loss, default="categorical_crossentropy"
        Loss function of targets and predicted probabilities that returns one value per
        sample. Targets are integer codes for ``sparse_*`` losses and functions that
        take nothing else, one column if the network has one sigmoid unit, else one-hot
        rows. The loss of a batch is the mean over its samples, weighted by the sample
        weights.
    label_smoothing : float, default=0.0
        Fraction of each training label that is spread evenly over all classes, in
        [0, 1), as in ``keras.losses.CategoricalCrossentropy``. Validation scores are
        those of the labels themselves.
    batch_size : int, default=32
        Number of samples per gradient update.
    epochs : int, default=5
        Number of passes over the training data.
    random_rotation : float, default=0.0
        Augmentation: largest rotation of a training image, drawn for each image in each
        epoch, to either side; as a fraction of a full turn, as in
        ``keras.layers.RandomRotation``: 0.03 is 11 degrees. Training images alone are
        deformed, never those of a prediction or a score. Beyond its edges, an image
        continues with its nearest pixel.
    random_translation : float, default=0.0
        Augmentation: largest shift, as a fraction of the height and of the width, in
        any direction, as in ``keras.layers.RandomTranslation``.
    random_zoom : float, default=0.0
        Augmentation: largest relative change of the scale, either way, as in
        ``keras.layers.RandomZoom``.
    random_shear : float, default=0.0
        Augmentation: largest shear along each axis about the centre, either way, in
        pixels per pixel, as in ``keras.layers.RandomShear``.
    random_elastic : float, default=0.0
        Augmentation: elastic deformation by displacements that are smooth over a
        seventh of the side. The standard deviation of a pixel's displacement along each
        axis, as a fraction of the height or width: 0.04 is 1.1 of 28 pixels. Keras's
        RandomElasticTransform couples strength and smoothness in one `scale`.
    class_weight : dict or "balanced", default=None
        Class weights in the form ``{class_label: weight}``, multiplied with
        `sample_weight` in training, not in validation scores; classes that are not
        listed have weight 1. "balanced" uses weights inversely proportional to class
        frequencies. If None, all classes have weight 1.
    validation_fraction : float, default=0.0
        Fraction of the samples, in [0, 1), that `fit` sets aside as validation set,
        stratified by class, and evaluates after every epoch.
    early_stopping : bool, default=False
        Whether to stop training when the validation loss has not decreased for
        `n_iter_no_change` epochs. Requires ``validation_fraction > 0``, or a
        validation set passed to `fit`.
    n_iter_no_change : int, default=10
        Number of consecutive epochs without a lower validation loss after which
        training stops. Used only if ``early_stopping=True``.
    restore_best_weights : bool, default=True
        Whether to end with the weights of the epoch with the lowest validation loss.
        If False, the weights of the last epoch are kept. Used only if
        ``early_stopping=True``. With `warm_start`, a fit without a better epoch ends
        with the weights that it began with.
    dtype : str, default="float32"
        Keras dtype policy: "float32", "float64", "float16", "bfloat16",
        "mixed_float16" or "mixed_bfloat16". On JAX, "float64" needs the environment
        variable ``JAX_ENABLE_X64=1``.
    callbacks : keras.callbacks.Callback or list of them, default=None
        Callbacks to call during training. `fit` calls these objects themselves, so what
        they collect can be read afterwards. `sklearn.clone` copies them, and shares
        those that cannot be copied, such as one with an open file.
    jit_compile : bool or "auto", default="auto"
        Whether to compile the training step with XLA, which makes epochs faster but
        the first one slower. "auto" compiles if there are at least 1,000 training
        samples, unless the network has convolutions and runs on a CPU, where XLA is
        slow on them; on the backend JAX it always compiles. The setting changes results
        in the last bits, and the units that dropout drops.
    checkpoint_dir : str or path-like, default=None
        Directory where `fit` saves its state after every epoch. An interrupted fit
        resumes when called again with the same data and parameters, and ends with the
        same weights, unless user-defined layers draw random numbers without a seed; a
        completed one is loaded instead of repeated. Requires an integer `random_state`
        and ``callbacks=None``. Several fits may share the
        directory. If None, no state is saved.
    save_best : {"loss", "accuracy", "val_loss", "val_accuracy"}, default=None
        Quantity that determines the best epoch, whose classifier is saved to the file
        `best_model_path_`. Requires `checkpoint_dir`. If None, no such file is saved.
    warm_start : bool, default=False
        Whether `fit` continues from the result of the previous call, for `epochs` more
        epochs. If False, every call starts from new initial weights.
    random_state : int, RandomState instance or None, default=None
        Determines random number generation for the initial weights, dropout, shuffling
        and the validation split. Pass an int for results that are identical to the
        last bit across fits on one machine. None draws a seed from NumPy's global
        generator.
    verbose : {0, 1, 2}, default=0
        Verbosity, as in Keras: 0 is silent, 1 shows a progress bar, 2 prints one line
        per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    n_features_in_ : int
        Number of features seen during `fit`, or the height of images: ``X.shape[1]``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Defined only if X has feature names that
        are all strings.
    image_shape_ : tuple of int
        Shape of one sample as passed to the network.
    n_iter_ : int
        Number of epochs trained.
    best_epoch_ : int
        Epoch with the lowest validation loss, or the lowest training loss if no
        samples are held out; counted from 1.
    history_ : dict of str to list of float
        Metrics of every epoch. "loss" and "accuracy" are running averages in training
        mode, while the weights change; "val_loss" and "val_accuracy", if samples are
        held out, are computed after the epoch. Accuracies are fractions in [0, 1].
        Quantities that callbacks add to the logs, such as "learning_rate", are
        included. All lists have `n_iter_` entries, NaN for an epoch without a value.
    validation_indices_ : ndarray of int
        Sorted indices of the rows of X that `fit` held out. Empty if there are none.
    best_model_path_ : str
        File of the classifier of the best epoch, for `skmnist.load`. Defined only if
        `save_best` is not None.
    model_ : keras.Model
        Compiled copy of the network with the fitted weights, built on first access.

    See Also
    --------
    KerasMLPClassifier : Multilayer perceptron.
    LeNetClassifier : LeNet-style convolutional network.

    Examples
    --------
    >>> import keras
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import KerasImageClassifier, PixelScaler, load_digits28
    >>> def build_linear(meta, l2=0.0):
    ...     return keras.Sequential(
    ...         [
    ...             keras.Input(meta["X_shape_"][1:]),
    ...             keras.layers.Flatten(),
    ...             keras.layers.Dense(
    ...                 meta["n_classes_"],
    ...                 activation="softmax",
    ...                 kernel_regularizer=keras.regularizers.L2(l2),
    ...             ),
    ...         ]
    ...     )
    >>> X, y = load_digits28(return_X_y=True)
    >>> clf = KerasImageClassifier(build_linear, epochs=3, random_state=0)
    >>> clf.set_params(model__l2=1e-4).model_params
    {'l2': 0.0001}
    >>> make_pipeline(PixelScaler(), clf).fit(X, y)[-1].image_shape_
    (28, 28, 1)
    """

    __module__ = "skmnist.classifiers"

    model_params: Mapping[str, Any] | None
    image_shape_: tuple[int, ...]

    _parameter_constraints = {
        **BaseKerasClassifier._parameter_constraints,
        "model": [callable],
        "model_params": [dict, None],
        "image_shape": [tuple, list, None],
    }

    @explain_keywords
    def __init__(
        self,
        model: Callable[..., Model],
        model_params: Mapping[str, Any] | None = None,
        *,
        image_shape: Shape | None = None,
        optimizer: Optimizer = "adam",
        learning_rate: LearningRate = None,
        learning_rate_schedule: Schedule = "constant",
        loss: Loss = "categorical_crossentropy",
        label_smoothing: float = 0.0,
        batch_size: int = 32,
        epochs: int = 5,
        random_rotation: float = 0.0,
        random_translation: float = 0.0,
        random_zoom: float = 0.0,
        random_shear: float = 0.0,
        random_elastic: float = 0.0,
        class_weight: ClassWeight = None,
        validation_fraction: float = 0.0,
        early_stopping: bool = False,
        n_iter_no_change: int = 10,
        restore_best_weights: bool = True,
        dtype: str = "float32",
        callbacks: Callbacks = None,
        jit_compile: bool | Literal["auto"] = "auto",
        checkpoint_dir: PathLike | None = None,
        save_best: Score | None = None,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.model_params = model_params
        self.image_shape = image_shape
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_rotation = random_rotation
        self.random_translation = random_translation
        self.random_zoom = random_zoom
        self.random_shear = random_shear
        self.random_elastic = random_elastic
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.restore_best_weights = restore_best_weights
        self.dtype = dtype
        self.callbacks = callbacks
        self.jit_compile = jit_compile
        self.checkpoint_dir = checkpoint_dir
        self.save_best = save_best
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of the classifier and of its builder.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the builder's keyword arguments as ``model__name``.

        Returns
        -------
        params : dict
            Parameter names mapped to their values. Keyword arguments that are not set
            have the builder's default.
        """
        params = super().get_params(deep)
        if deep:
            values = {
                name: None if p.default is p.empty else p.default
                for name, p in self._keywords()[0].items()
            }
            if isinstance(self.model_params, dict):
                values |= self.model_params
            params |= {f"model__{name}": value for name, value in values.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the classifier and of its builder.

        Parameters
        ----------
        **params : dict
            Parameter names mapped to their values. ``model__name`` sets the builder's
            keyword argument ``name``.

        Returns
        -------
        self : object
            Classifier instance.

        Raises
        ------
        ValueError
            If the classifier or its builder has no such parameter.
        """
        keywords = {
            name.removeprefix("model__"): params.pop(name)
            for name in list(params)
            if name.startswith("model__")
        }
        super().set_params(**params)
        if keywords:
            self._check_keywords(keywords)
            # Not in place: clones and grid points may share the dict.
            self.model_params = {**(self.model_params or {}), **keywords}
        return self

    def _keywords(self):
        """Return the builder's keyword arguments.

        Returns
        -------
        keywords : dict of str to inspect.Parameter
        takes_any : bool
            Whether the builder also accepts other keyword arguments.
        """
        try:
            parameters = inspect.signature(self.model).parameters.values()
        except (TypeError, ValueError):  # some callables have no signature
            return {}, True
        keywords = {
            p.name: p
            for p in parameters
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            and p.name not in _GIVEN
        }
        return keywords, any(p.kind is p.VAR_KEYWORD for p in parameters)

    def _check_keywords(self, names):
        known, takes_any = self._keywords()
        for name in names:
            if name not in known and not takes_any:
                raise ValueError(
                    f"Invalid parameter 'model__{name}' for {type(self).__name__}. "
                    "Valid parameters of the builder "
                    f"{getattr(self.model, '__name__', self.model)} are: "
                    f"{sorted(known)}."
                )

    def _check_required(self, params):
        keywords = self._keywords()[0].values()
        missing = [
            p.name for p in keywords if p.default is p.empty and p.name not in params
        ]
        if missing:
            instead = "Set them by model_params."
            if {"X", "y"} & set(missing):  # what Keras's SKLearnClassifier passes
                instead = (
                    "A builder gets meta in place of the data: the shape of X is "
                    "meta['X_shape_'], and the number of classes meta['n_classes_']."
                )
            raise TypeError(
                f"The builder {getattr(self.model, '__name__', self.model)} requires "
                f"{', '.join(missing)}, not set. {instead}"
            )

    def _layout(self, sample_shape):
        if self.image_shape is None and len(sample_shape) == 1:
            earlier = getattr(self, "_network", None)
            if self.warm_start and earlier is not None:
                shape = earlier.meta["X_shape_"][1:]
                if math.prod(shape) == math.prod(sample_shape):
                    return shape
            if sample_shape[0] < SMALLEST_SIDE**2 or not _is_square(sample_shape):
                return sample_shape  # the columns of a table
        return resolve_image_shape(sample_shape, self.image_shape)

    def _start(self, X, classes, seed):
        try:
            return super()._start(X, classes, seed)
        except ValueError as error:
            shape = self._sample_shape
            if self.image_shape is not None or len(shape) > 1 or not _is_square(shape):
                raise
            # The builder's network takes the other of the two layouts: the square
            # images, or the rows of a table whose number of columns is a square.
            square = resolve_image_shape(shape, None)
            self.image_shape_ = shape if self.image_shape_ == square else square
            try:
                other = X.reshape(len(X), *self.image_shape_)
                return super()._start(other, classes, seed)
            except ValueError:
                raise error from None

    def _builder(self):
        if hasattr(self.model, "compute_output_shape"):
            raise ValueError(
                f"model should be a function that returns a new network, got a "
                f"{type(self.model).__name__}. Every fit starts from a network of its "
                "own: pass, for example, "
                "lambda meta: keras.models.clone_model(network)."
            )
        params = self.model_params or {}
        self._check_keywords(params)
        self._check_required(params)
        return self.model, dict(params)

    def _check_network(self, network, weights, X):
        outputs = network.outputs(weights, X[:: max(1, -(-len(X) // _MOST_CHECKED))])
        sums = outputs.sum(axis=1)
        wrong = (outputs.min(axis=1) < 0) | ~np.isclose(sums, 1, atol=0.02)
        if wrong.any():
            raise ValueError(
                "The network must output one probability per class, but for a sample "
                f"it returned {outputs[wrong][0].tolist()}. End the network with a "
                "softmax activation, or with one unit and a sigmoid activation for two "
                "classes; a loss then has from_logits=False."
            )


def _is_square(sample_shape):
    return math.isqrt(sample_shape[0]) ** 2 == sample_shape[0]

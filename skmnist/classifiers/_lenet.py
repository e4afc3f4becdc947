"""LeNet-style convolutional network."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

from sklearn.utils._param_validation import Interval

from skmnist.architectures import (
    as_sizes,
    build_lenet,
    has_channels_first,
    resolve_image_shape,
)
from skmnist.classifiers._base import BaseKerasClassifier
from skmnist.classifiers._keywords import explain_keywords

if TYPE_CHECKING:
    from typing import Literal

    from skmnist._typing import (
        Activation,
        Callbacks,
        ClassWeight,
        LearningRate,
        Loss,
        Optimizer,
        PathLike,
        RandomState,
        Schedule,
        Score,
        Shape,
        Sizes,
    )


_SIZE = Interval(Integral, 1, None, closed="left")
_FRACTION = Interval(Real, 0, 1, closed="left")
_NON_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")


class LeNetClassifier(BaseKerasClassifier):
    """LeNet-style convolutional network, trained with Keras.

    The defaults are the reference network: two stages of two convolutions, max-pooling
    and dropout, a dense layer of 128 units and a softmax output layer, trained with
    Adam on the categorical cross-entropy.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        Shape to which flat samples are reshaped: (h, w) or (h, w, channels), of which
        one entry may be -1. If None, the shape of images is kept, and flat samples are
        reshaped to a square.
    filters : int or array-like of int, default=(32, 64)
        Number of filters of the convolutions in each stage.
    kernel_sizes : int or array-like of int, default=(5, 3)
        Side length of the convolution kernels in each stage, in pixels.
    hidden_layer_sizes : int or array-like of int, default=(128,)
        Number of units of each dense layer after the stages.
    activation : str or callable, default="relu"
        Activation function of the convolutions and hidden layers, as accepted by
        Keras.
    dropout : float, default=0.25
        Fraction of each stage's outputs that is dropped during training, in [0, 1).
    hidden_dropout : float, default=0.5
        Fraction of each hidden layer's outputs that is dropped during training, in
        [0, 1).
    l2 : float, default=0.0
        Factor of the L2 penalty on the kernels.
    batch_normalization : bool, default=False
        Whether to normalise the inputs of each hidden activation over the samples of a
        batch, in place of a bias.
    rescaling : float, default=None
        Scale factor of a leading Rescaling layer, e.g. 1/255 for raw 8-bit pixels. If
        None, there is no such layer.
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
    batch_size : int, default=128
        Number of samples per gradient update.
    epochs : int, default=10
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
    KerasMLPClassifier : Multilayer perceptron, which ignores the positions of pixels.
    skmnist.build_lenet : Function that builds the network.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import LeNetClassifier, PixelScaler, load_digits28
    >>> X, y = load_digits28(return_X_y=True)
    >>> clf = make_pipeline(
    ...     PixelScaler(), LeNetClassifier(filters=(4, 8), epochs=3, random_state=0)
    ... )
    >>> clf.fit(X[:500], y[:500])[-1].image_shape_
    (28, 28, 1)
    """

    __module__ = "skmnist.classifiers"

    _parameter_constraints = {
        **BaseKerasClassifier._parameter_constraints,
        "image_shape": [tuple, list, None],
        "filters": [_SIZE, "array-like"],
        "kernel_sizes": [_SIZE, "array-like"],
        "hidden_layer_sizes": [_SIZE, "array-like"],
        "activation": [str, callable],
        "dropout": [_FRACTION],
        "hidden_dropout": [_FRACTION],
        "l2": [_NON_NEGATIVE],
        "batch_normalization": ["boolean"],
        "rescaling": [None, _POSITIVE],
    }

    @explain_keywords
    def __init__(
        self,
        *,
        image_shape: Shape | None = None,
        filters: Sizes = (32, 64),
        kernel_sizes: Sizes = (5, 3),
        hidden_layer_sizes: Sizes = (128,),
        activation: Activation = "relu",
        dropout: float = 0.25,
        hidden_dropout: float = 0.5,
        l2: float = 0.0,
        batch_normalization: bool = False,
        rescaling: float | None = None,
        optimizer: Optimizer = "adam",
        learning_rate: LearningRate = None,
        learning_rate_schedule: Schedule = "constant",
        loss: Loss = "categorical_crossentropy",
        label_smoothing: float = 0.0,
        batch_size: int = 128,
        epochs: int = 10,
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
        self.image_shape = image_shape
        self.filters = filters
        self.kernel_sizes = kernel_sizes
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.hidden_dropout = hidden_dropout
        self.l2 = l2
        self.batch_normalization = batch_normalization
        self.rescaling = rescaling
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

    def _layout(self, sample_shape):
        shape = resolve_image_shape(sample_shape, self.image_shape)
        if has_channels_first(shape):
            raise ValueError(
                f"Samples of shape {shape} seem to have their channels first, but "
                "LeNetClassifier takes (height, width, channels). Move them to the "
                "end: X.transpose(0, 2, 3, 1)."
            )
        if len(shape) != 3:
            raise ValueError(
                f"LeNetClassifier needs images, got image_shape={self.image_shape!r} "
                f"for samples of shape {sample_shape}. Set image_shape to (h, w) or "
                "(h, w, channels)."
            )
        return shape

    def _builder(self):
        return build_lenet, {
            "filters": as_sizes(self.filters),
            "kernel_sizes": as_sizes(self.kernel_sizes),
            "hidden_layer_sizes": as_sizes(self.hidden_layer_sizes),
            "activation": self.activation,
            "dropout": self.dropout,
            "hidden_dropout": self.hidden_dropout,
            "l2": self.l2,
            "batch_normalization": self.batch_normalization,
            "rescaling": self.rescaling,
        }

"""The LeNet-style convolutional network."""

from numbers import Real

from sklearn.utils._param_validation import Interval

from skmnist.architectures import build_lenet, resolve_image_shape
from skmnist.classifiers._base import BaseKerasClassifier

_FRACTION = Interval(Real, 0, 1, closed="left")
_NON_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")


class LeNetClassifier(BaseKerasClassifier):
    """LeNet-style convolutional network, trained with Keras.

    The defaults are the reference network: two stages of two convolutions, max-pooling
    and dropout, a dense layer of 128 units, softmax; Adam on the cross-entropy.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        How a flat row is laid out as an image: (h, w) or (h, w, channels), one entry
        may be -1. None takes images as they are and a flat square as a square.
    filters : tuple of int, default=(32, 64)
        The number of filters of each stage.
    kernel_sizes : tuple of int, default=(5, 3)
        The side of each stage's convolution kernels, in pixels.
    hidden_layer_sizes : tuple of int, default=(128,)
        The number of units of each dense layer behind the stages.
    activation : str or callable, default="relu"
        Activation of convolutions and hidden layers, as Keras names it.
    dropout : float, default=0.25
        Fraction of outputs dropped in training after each stage, in [0, 1).
    hidden_dropout : float, default=0.5
        The same after each hidden layer.
    l2 : float, default=0.0
        Weight of the L2 penalty on the kernels.
    rescaling : float, default=None
        Factor a first layer multiplies the input with: 1/255 lets raw 8-bit pixels in.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Never changed: every fit starts from a fresh copy.
    learning_rate : float, default=None
        Step size. None leaves the optimizer's own, 0.001 for "adam".
    loss : str, callable or keras.losses.Loss, default="categorical_crossentropy"
        A loss of one-hot targets and probabilities. It is averaged over each batch,
        weighted by the sample weights alone.
    batch_size : int, default=128
        Samples in one optimisation step.
    epochs : int, default=10
        Passes over the training data.
    class_weight : dict or "balanced", default=None
        Weight of each class by its label, multiplied with `sample_weight`; a label not
        named weighs 1. "balanced" weighs classes inversely to how often they come.
    validation_fraction : float, default=0.0
        Fraction of the samples that `fit` holds out, stratified, and evaluates after
        every epoch.
    early_stopping : bool, default=False
        Whether to stop when the loss on the held-out samples no longer falls.
    n_iter_no_change : int, default=10
        With early stopping, how many epochs without a lower loss to wait for.
    restore_best_weights : bool, default=True
        Whether early stopping ends with the weights of the best epoch, not the last.
    dtype : str, default="float32"
        A Keras dtype policy: "float32", "float64", "mixed_bfloat16", ...
    callbacks : keras.callbacks.Callback or list of them, default=None
        Copied for every fit: yours are never changed.
    jit_compile : bool or "auto", default="auto"
        Whether XLA compiles the training, which makes an epoch faster and the first one
        slower. "auto" compiles from 1,000 training rows on, unless the network has
        convolutions and runs on a CPU, where XLA's are slow. It changes the last bits
        of a result, and which units dropout drops.
    checkpoint_dir : str or path-like, default=None
        Folder where `fit` keeps its state after every epoch. A fit that was killed
        goes on when started again with the same data and parameters, and ends with the
        same weights; a finished one is loaded. It needs an integer `random_state`, and
        takes no callbacks. Several fits may share the folder.
    save_best : {"loss", "accuracy", "val_loss", "val_accuracy"}, default=None
        With `checkpoint_dir`, also keep the classifier as it was after the epoch with
        the best value of this, in the file `best_model_path_`. None keeps none.
    warm_start : bool, default=False
        Whether `fit` goes on from the last one, for `epochs` epochs more.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, dropout, shuffling and the held-out split. An integer
        gives the same weights to the last bit on one machine.
    verbose : {0, 1, 2}, default=0
        As in Keras: silent, a progress bar, a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        The second dimension of the X of `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where X was a DataFrame.
    image_shape_ : tuple of int
        How a sample is laid out for the network.
    n_iter_ : int
        Epochs trained.
    best_epoch_ : int
        The epoch with the lowest validation loss (training loss where nothing was held
        out), counted from 1.
    history_ : dict of str to list of float
        What Keras reports for each epoch: "loss" and "accuracy" (running averages in
        training mode, while the weights change) and, for held-out samples, "val_loss"
        and "val_accuracy".
    validation_indices_ : ndarray of int
        The rows of X that `fit` held out.
    best_model_path_ : str
        With `save_best`, the file of the best epoch's classifier, for `skmnist.load`.
    model_ : keras.Model
        The network with the fitted weights: a private copy, built on first access.

    See Also
    --------
    KerasMLPClassifier : A network that does not see which pixels are neighbours.
    skmnist.build_lenet : The network alone.

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
        "filters": ["array-like"],
        "kernel_sizes": ["array-like"],
        "hidden_layer_sizes": ["array-like"],
        "activation": [str, callable],
        "dropout": [_FRACTION],
        "hidden_dropout": [_FRACTION],
        "l2": [_NON_NEGATIVE],
        "rescaling": [None, _POSITIVE],
    }

    def __init__(
        self,
        *,
        image_shape=None,
        filters=(32, 64),
        kernel_sizes=(5, 3),
        hidden_layer_sizes=(128,),
        activation="relu",
        dropout=0.25,
        hidden_dropout=0.5,
        l2=0.0,
        rescaling=None,
        optimizer="adam",
        learning_rate=None,
        loss="categorical_crossentropy",
        batch_size=128,
        epochs=10,
        class_weight=None,
        validation_fraction=0.0,
        early_stopping=False,
        n_iter_no_change=10,
        restore_best_weights=True,
        dtype="float32",
        callbacks=None,
        jit_compile="auto",
        checkpoint_dir=None,
        save_best=None,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self.image_shape = image_shape
        self.filters = filters
        self.kernel_sizes = kernel_sizes
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.hidden_dropout = hidden_dropout
        self.l2 = l2
        self.rescaling = rescaling
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.batch_size = batch_size
        self.epochs = epochs
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
        if len(shape) != 3:
            raise ValueError(
                f"LeNetClassifier needs images, got image_shape={self.image_shape!r} "
                f"for samples of shape {sample_shape}: give (h, w) or (h, w, channels)."
            )
        return shape

    def _builder(self):
        return build_lenet, {
            "filters": self.filters,
            "kernel_sizes": self.kernel_sizes,
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "dropout": self.dropout,
            "hidden_dropout": self.hidden_dropout,
            "l2": self.l2,
            "rescaling": self.rescaling,
        }

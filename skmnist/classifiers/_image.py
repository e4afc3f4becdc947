"""The classifier around a user's own Keras builder."""

import inspect

import numpy as np

from skmnist.architectures import resolve_image_shape
from skmnist.classifiers._base import BaseKerasClassifier


class KerasImageClassifier(BaseKerasClassifier):
    """A classifier around your own Keras builder.

    The builder follows SciKeras's convention: a function of ``meta`` (a dict with
    ``"X_shape_"``, ``"n_classes_"`` and more) and keywords of its own, which returns an
    uncompiled network with one probability for each class. Its keywords are
    hyperparameters here, as ``model__name`` in `set_params` and grids.

    Parameters
    ----------
    model : callable
        The builder.
    model_params : dict, default=None
        Keywords for the builder.
    image_shape : tuple of int, default=None
        How a flat row is laid out as an image: (h, w) or (h, w, channels), one entry
        may be -1. None takes images as they are and a flat square as a square; (-1,)
        hands flat rows over flat.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Never changed: every fit starts from a fresh copy.
    learning_rate : float, default=None
        Step size. None leaves the optimizer's own, 0.001 for "adam".
    loss : str, callable or keras.losses.Loss, default="categorical_crossentropy"
        A loss of one-hot targets and probabilities. It is averaged over each batch,
        weighted by the sample weights alone.
    batch_size : int, default=32
        Samples in one optimisation step.
    epochs : int, default=5
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
    KerasMLPClassifier : A multilayer perceptron, ready made.
    LeNetClassifier : A convolutional network, ready made.

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

    _parameter_constraints = {
        **BaseKerasClassifier._parameter_constraints,
        "model": [callable],
        "model_params": [dict, None],
        "image_shape": [tuple, list, None],
    }

    def __init__(
        self,
        model,
        model_params=None,
        *,
        image_shape=None,
        optimizer="adam",
        learning_rate=None,
        loss="categorical_crossentropy",
        batch_size=32,
        epochs=5,
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
        self.model = model
        self.model_params = model_params
        self.image_shape = image_shape
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

    def get_params(self, deep=True):
        """Get the parameters, the builder's keywords as ``model__name`` among them.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list the builder's keywords one by one.

        Returns
        -------
        params : dict
            Values by name; of a keyword never set, the builder's default.
        """
        params = super().get_params(deep)
        if deep:
            values = self._keywords()[0]
            if isinstance(self.model_params, dict):
                values |= self.model_params
            params |= {f"model__{name}": value for name, value in values.items()}
        return params

    def set_params(self, **params):
        """Set parameters, the builder's keywords as ``model__name``.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        self : object
            The classifier.

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
            # A copy: clones and grid points may share the dict.
            self.model_params = {**(self.model_params or {}), **keywords}
        return self

    def _keywords(self):
        """Return the builder's keywords with their defaults, and if it takes any."""
        try:
            parameters = inspect.signature(self.model).parameters.values()
        except (TypeError, ValueError):
            return {}, True
        given = ("meta", "compile_kwargs", "params")
        named = {
            p.name: None if p.default is p.empty else p.default
            for p in parameters
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            and p.name not in given
        }
        return named, any(p.kind is p.VAR_KEYWORD for p in parameters)

    def _check_keywords(self, names):
        known, takes_any = self._keywords()
        for name in names:
            if name not in known and not takes_any:
                raise ValueError(
                    f"Invalid parameter 'model__{name}' for {type(self).__name__}: the "
                    f"builder {getattr(self.model, '__name__', self.model)} takes "
                    f"{sorted(known)}."
                )

    def _layout(self, sample_shape):
        return resolve_image_shape(sample_shape, self.image_shape)

    def _builder(self):
        params = self.model_params or {}
        self._check_keywords(params)
        return self.model, dict(params)

    def _check_network(self, network, weights, X):
        outputs = network.predict(weights, X[:1])
        if outputs.min() < 0 or not np.allclose(outputs.sum(axis=1), 1, atol=0.02):
            raise ValueError(
                "The network must give probabilities, but its outputs for one sample "
                f"are {outputs[0].tolist()}: end the builder's network with a softmax."
            )

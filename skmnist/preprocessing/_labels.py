"""Between labels and one-hot rows."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_array
from sklearn.utils._param_validation import Options
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d


class OneHotLabelEncoder(TransformerMixin, BaseEstimator):
    """Encode labels as one-hot rows, and rows of probabilities as labels.

    One column for each class, in sorted order; two classes give two columns, as a
    softmax has them. It takes `y`, so it is no step of a Pipeline: the classifiers
    apply it by themselves.

    Parameters
    ----------
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, of the dtype they came in.

    See Also
    --------
    sklearn.preprocessing.LabelBinarizer : Gives one column for two classes.

    Examples
    --------
    >>> from skmnist import OneHotLabelEncoder
    >>> encoder = OneHotLabelEncoder().fit(["dog", "cat", "dog"])
    >>> encoder.transform(["cat", "dog"])
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    >>> encoder.inverse_transform([[0.3, 0.7]])
    array(['dog'], dtype='<U3')
    """

    __module__ = "skmnist.preprocessing"

    _parameter_constraints = {"dtype": [Options(type, {np.float32, np.float64})]}

    def __init__(self, dtype=np.float32):
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, y):
        """Learn the classes.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels: integers, booleans, strings, or floats that are whole numbers.

        Returns
        -------
        self : OneHotLabelEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If y is empty or of another shape, or a label is missing, continuous or of
            another type.
        """
        y = _check_labels(y)
        if y.dtype.kind == "f":
            if not np.isfinite(y).all():
                raise ValueError(
                    "y contains NaN or infinity. Drop the samples with missing labels."
                )
            check_classification_targets(y)
        # The global transform_output must not reach the inner encoder.
        encoder = OneHotEncoder(sparse_output=False, dtype=self.dtype)
        self._encoder = encoder.set_output(transform="default").fit(y.reshape(-1, 1))
        self.classes_ = self._encoder.categories_[0]
        return self

    # Positional, as the wrapper of `set_output` knows the argument by no other name.
    def fit_transform(self, y, /):
        """Learn the classes and encode the labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_classes), or DataFrame
            One-hot rows of type `dtype`.
        """
        return self.fit(y).transform(y)

    def transform(self, y, /):
        """Encode labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels among `classes_`.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_classes), or DataFrame
            One-hot rows of type `dtype`. A DataFrame on request, with the index of y
            (that of a Series from scikit-learn 1.8 on).

        Raises
        ------
        ValueError
            If y is empty or of another shape, or a label is not among `classes_`.
        """
        check_is_fitted(self)
        y = _check_labels(y)
        # NumPy compares text with numbers by making text of the numbers.
        comparable = _is_text(y) == _is_text(self.classes_)
        unseen = np.setdiff1d(y, self.classes_) if comparable else np.unique(y)
        if unseen.size:
            raise ValueError(
                f"y contains labels that fit did not see: {_abridge(unseen)}; "
                f"the classes are {_abridge(self.classes_)}."
            )
        return self._encoder.transform(y.reshape(-1, 1))

    def inverse_transform(self, Y):
        """Return the label of the largest entry of each row.

        Parameters
        ----------
        Y : array-like of shape (n_samples, n_classes)
            One-hot rows or probabilities. Of equal entries the first counts.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels, of the dtype of `classes_`.

        Raises
        ------
        ValueError
            If Y has not one column for each class.
        """
        check_is_fitted(self)
        Y = check_array(Y, input_name="Y")
        if Y.shape[1] != len(self.classes_):
            raise ValueError(
                f"Y has {Y.shape[1]} columns, expected {len(self.classes_)}: one for "
                f"each of the classes {_abridge(self.classes_)}."
            )
        return self.classes_[Y.argmax(axis=1)]

    def get_feature_names_out(self):
        """Name the columns after the labels.

        Returns
        -------
        feature_names_out : ndarray of shape (n_classes,) of str objects
            The labels as text.
        """
        check_is_fitted(self)
        return np.array([str(label) for label in self.classes_], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_labels(y):
    y = column_or_1d(y)
    if not y.size:
        raise ValueError("y has 0 samples, expected at least one label.")
    if y.dtype.kind == "O":
        others = [label for label in y if not isinstance(label, str)]
        if others:
            raise ValueError(
                f"y holds the label {others[0]!r} of type {type(others[0]).__name__} "
                "in an array of objects, which must all be str. Drop the samples with "
                "missing labels, or convert y with y.astype(int) or y.astype(str)."
            )
    elif y.dtype.kind not in "biufU":
        raise ValueError(
            f"Labels of dtype {y.dtype} are not supported: expected integers, booleans "
            "or strings. Convert y with y.astype(str)."
        )
    return y


def _is_text(labels):
    return labels.dtype.kind in "OU"


def _abridge(labels, n=10):
    """Show the first labels of an array."""
    shown = ", ".join(repr(label) for label in labels[:n].tolist())
    return f"[{shown}, ... ({len(labels)} in all)]" if len(labels) > n else f"[{shown}]"

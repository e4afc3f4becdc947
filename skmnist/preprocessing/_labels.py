"""Transformer between labels and one-hot rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_array
from sklearn.utils._param_validation import Options
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    from numpy.typing import DTypeLike
    from sklearn.utils import Tags

    from skmnist._typing import ArrayLike


class OneHotLabelEncoder(TransformerMixin, BaseEstimator):
    """Encode labels as one-hot rows and decode rows of probabilities to labels.

    The output has one column per class, in sorted order; two classes give two columns,
    which matches the output of a softmax layer. This transformer encodes target values,
    i.e. `y`, and not the input `X`, so it cannot be a step of a Pipeline. The
    classifiers of this package apply it internally.

    Parameters
    ----------
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Data type of the one-hot rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels seen during fit, of the dtype of y.

    See Also
    --------
    sklearn.preprocessing.LabelBinarizer : Encode two classes in a single column.

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

    def __init__(self, dtype: DTypeLike = np.float32) -> None:
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, y: ArrayLike) -> Self:
        """Fit the encoder to the labels.

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
            If y is empty or not one-dimensional, or if its labels are missing,
            continuous or of an unsupported type.
        """
        y = _check_labels(y)
        if y.dtype.kind == "f":
            if not np.isfinite(y).all():
                raise ValueError(
                    "y contains NaN or infinity. Drop the samples with missing labels."
                )
            check_classification_targets(y)
        # Otherwise the global transform_output would also apply to the inner encoder.
        encoder = OneHotEncoder(sparse_output=False, dtype=self.dtype)
        self._encoder = encoder.set_output(transform="default").fit(y.reshape(-1, 1))
        self.classes_: np.ndarray = self._encoder.categories_[0]
        return self

    # y is positional-only because the wrapper of `set_output` calls the argument X.
    def fit_transform(self, y: ArrayLike, /) -> np.ndarray | pd.DataFrame:
        """Fit the encoder to the labels, then encode them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels: integers, booleans, strings, or floats that are whole numbers.

        Returns
        -------
        Y : ndarray or DataFrame of shape (n_samples, n_classes)
            One-hot rows of type `dtype`, as returned by `transform`.
        """
        return self.fit(y).transform(y)

    def transform(self, y: ArrayLike, /) -> np.ndarray | pd.DataFrame:
        """Encode labels as one-hot rows.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels contained in `classes_`.

        Returns
        -------
        Y : ndarray or DataFrame of shape (n_samples, n_classes)
            One-hot rows of type `dtype`. A DataFrame if set with `set_output`; it has
            the index of y if y is a DataFrame, or, since scikit-learn 1.8, a Series.

        Raises
        ------
        ValueError
            If y is empty or not one-dimensional, or contains labels not seen during
            fit.
        """
        check_is_fitted(self)
        y = _check_labels(y)
        # NumPy would convert numbers to strings to compare them with strings: 1 == "1".
        comparable = _is_text(y) == _is_text(self.classes_)
        unseen = np.setdiff1d(y, self.classes_) if comparable else np.unique(y)
        if unseen.size:
            raise ValueError(
                f"y contains labels that fit did not see: {_format_labels(unseen)}; "
                f"the classes are {_format_labels(self.classes_)}."
            )
        return self._encoder.transform(y.reshape(-1, 1))

    def inverse_transform(self, Y: ArrayLike) -> np.ndarray:
        """Return the label with the largest entry in each row.

        Parameters
        ----------
        Y : array-like of shape (n_samples, n_classes)
            One-hot rows or probabilities. In case of ties the first class is returned.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels of the dtype of `classes_`.

        Raises
        ------
        ValueError
            If the number of columns differs from the number of classes.
        """
        check_is_fitted(self)
        Y = check_array(Y, input_name="Y")
        if Y.shape[1] != len(self.classes_):
            raise ValueError(
                f"Y has {Y.shape[1]} columns, expected {len(self.classes_)}, one for "
                f"each of the classes {_format_labels(self.classes_)}."
            )
        return self.classes_[Y.argmax(axis=1)]

    def get_feature_names_out(self) -> np.ndarray:
        """Get output feature names for transformation.

        Returns
        -------
        feature_names_out : ndarray of shape (n_classes,) of str objects
            Labels converted to strings.
        """
        check_is_fitted(self)
        return np.array([str(label) for label in self.classes_], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_labels(y):
    """Return y as an array of one dimension; raise ValueError if it is invalid."""
    y = column_or_1d(y)
    if not y.size:
        raise ValueError("y has 0 samples, expected at least one label.")
    if y.dtype.kind == "O":
        others = [label for label in y if not isinstance(label, str)]
        if others:
            raise ValueError(
                f"y contains the label {others[0]!r} of type "
                f"{type(others[0]).__name__}, but labels of dtype object must be str. "
                "Drop the samples with missing labels, or convert y with y.astype(int) "
                "or y.astype(str)."
            )
    elif y.dtype.kind not in "biufU":
        raise ValueError(
            f"Labels of dtype {y.dtype} are not supported: expected integers, booleans "
            "or strings. Convert y with y.astype(str)."
        )
    return y


def _is_text(labels):
    return labels.dtype.kind in "OU"


def _format_labels(labels, n=10):
    """Format the first `n` labels of an array as a list."""
    shown = ", ".join(repr(label) for label in labels[:n].tolist())
    return f"[{shown}, ... ({len(labels)} in all)]" if len(labels) > n else f"[{shown}]"

"""Base class and mixin of the image transformers."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skmnist._callbacks import CallbackSupportMixin

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd
    from sklearn.utils import Tags

    from skmnist._typing import ArrayLike


class ImageTransformer(
    OneToOneFeatureMixin, TransformerMixin, CallbackSupportMixin, BaseEstimator
):
    """Base class of transformers that accept flat rows or images.

    Samples passed to later calls must have the shape of those seen during fit.
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray:
        """Get output feature names for transformation.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the input features. If None, the names seen during fit are used, or
            ``x0``, ``x1``, ... if there are none. Ignored for images.

        Returns
        -------
        feature_names_out : ndarray of shape (n_pixels,) of str objects
            Input feature names for flat rows, and
            ``pixel_{row}_{column}[_{channel}]`` in row-major order for images.
        """
        check_is_fitted(self)
        if len(self.image_shape_) == 1:
            return super().get_feature_names_out(input_features)
        return np.array(
            ["_".join(["pixel", *map(str, i)]) for i in np.ndindex(self.image_shape_)],
            dtype=object,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = [
            "bool",
            "uint8",
            "int64",
            "float32",
            "float64",
        ]
        return tags

    def _validate_samples(self, X, *, reset):
        """Validate X and check or, if `reset`, store the shape of its samples."""
        if not reset:
            check_is_fitted(self)
            shape = tuple(X.shape if hasattr(X, "shape") else np.asarray(X).shape)
            # For flat rows, validate_data reports the names of missing columns.
            if len(shape) > 2 or len(self._sample_shape) > 1:
                self._check_sample_shape(shape)
        X = validate_data(self, X, reset=reset, allow_nd=True)
        if reset:
            if X.ndim > 4 or not X.size:
                raise ValueError(
                    "Expected X of shape (n_samples, n_features) or (n_samples, "
                    f"height, width[, channels]) with no empty axis, got {X.shape}."
                )
            self._sample_shape = X.shape[1:]
        return X

    def _check_sample_shape(self, shape, expected=None):
        """Raise ValueError if X of shape `shape` has samples of another shape."""
        expected = self._sample_shape if expected is None else expected
        if shape[1:] != expected:
            hint = (
                " To pass a single image, use image[None]." if shape == expected else ""
            )
            raise ValueError(
                f"X of shape {shape} has samples of shape {shape[1:]}, but "
                f"{type(self).__name__} expects samples of shape {expected}.{hint}"
            )


class ImageOutputMixin:
    """Mixin for transformers whose image-shaped output is never wrapped in a DataFrame.

    `set_output` applies to flat output only; images are returned as ndarray.
    """

    # TransformerMixin replaces the `transform` of each subclass with a version that
    # wraps the result in a DataFrame on request, which fails for more than two
    # dimensions. Opting out with auto_wrap_output_keys=None would remove `set_output`,
    # and Pipeline.set_output would then reject the step. Therefore both versions are
    # kept, and the shape seen during fit selects one of them. This class does not
    # inherit from TransformerMixin, so its `fit_transform` is not wrapped.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        wrapped = cls.transform
        unwrapped = inspect.unwrap(wrapped)

        @functools.wraps(unwrapped)
        def transform(self: Any, X: ArrayLike) -> np.ndarray | pd.DataFrame:
            return unwrapped(self, X) if self._outputs_images() else wrapped(self, X)

        cls.transform = transform

    def _outputs_images(self):
        """Return whether `transform` returns images instead of flat rows."""
        return len(getattr(self, "image_shape_", ())) > 1

    def fit_transform(self, X: ArrayLike, y: Any = None) -> np.ndarray | pd.DataFrame:
        """Fit to data, then transform it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : None
            Ignored.

        Returns
        -------
        X_out : ndarray or DataFrame of shape (n_samples, ...)
            Transformed samples, as returned by `transform`.
        """
        return self.fit(X, y).transform(X)

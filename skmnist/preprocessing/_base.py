"""What the transformers of images share: shapes, names, frames."""

import functools
import inspect

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class ImageTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Takes flat rows or images, and holds every later call to the fitted shape."""

    def get_feature_names_out(self, input_features=None):
        """Name the output's pixels.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of flat input, by default those seen at fit or ``x0``, ``x1``, ...
            Images have none, and this is ignored.

        Returns
        -------
        feature_names_out : ndarray of shape (n_pixels,) of str objects
            The input's names for flat rows; for images
            ``pixel_{row}_{column}[_{channel}]``, rows first and channels last.
        """
        check_is_fitted(self)
        if len(self.image_shape_) == 1:
            return super().get_feature_names_out(input_features)
        return np.array(
            ["_".join(["pixel", *map(str, i)]) for i in np.ndindex(self.image_shape_)],
            dtype=object,
        )

    def __sklearn_tags__(self):
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
        if not reset:
            check_is_fitted(self)
            shape = tuple(X.shape if hasattr(X, "shape") else np.asarray(X).shape)
            # Flat rows are left to scikit-learn, which names missing columns.
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
        expected = self._sample_shape if expected is None else expected
        if shape[1:] != expected:
            hint = (
                " Hand a single image over as image[None]." if shape == expected else ""
            )
            raise ValueError(
                f"X of shape {shape} has samples of shape {shape[1:]}, but "
                f"{type(self).__name__} expects samples of shape {expected}.{hint}"
            )


class ImageOutputMixin:
    """Keeps image-shaped output an array, whatever `set_output` asks for.

    scikit-learn replaces the `transform` that a subclass of TransformerMixin defines
    with one that puts the result into a DataFrame on request, and that fails on images.
    Opting out with ``auto_wrap_output_keys=None`` would take `set_output` away as well,
    and then the `set_output` of a Pipeline refuses the step. So both versions of
    `transform` are kept and the fitted layout chooses. This class is itself no
    TransformerMixin, which leaves its `fit_transform` as written.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        framing = cls.transform
        plain = inspect.unwrap(framing)

        @functools.wraps(plain)
        def transform(self, X):
            gives_images = len(getattr(self, "image_shape_", ())) > 1
            return plain(self, X) if gives_images else framing(self, X)

        cls.transform = transform

    def fit_transform(self, X, y=None):
        """Fit to X, then transform it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : object, default=None
            Ignored.

        Returns
        -------
        X_out : ndarray or DataFrame
            What `transform` returns.
        """
        return self.fit(X, y).transform(X)

"""Save an estimator or a Pipeline to one file, and load it without running its code."""

import os
import zipfile
from pathlib import Path

import sklearn

from skmnist._atomic import replacing

__all__ = ["load", "save"]

_FORMAT = 1

# What skops does not know by itself and a file of ours may hold.
_TRUSTED = frozenset(
    {
        "numpy.dtype",
        "skmnist._image_classifier.KerasImageClassifier",
        "skmnist._network.Network",
        "skmnist._training.Training",
        "skmnist.architectures.build_lenet",
        "skmnist.architectures.build_mlp",
        "skmnist.classifiers.KerasMLPClassifier",
        "skmnist.classifiers.LeNetClassifier",
        "skmnist.preprocessing._images.ImageFlattener",
        "skmnist.preprocessing._images.ImageReshaper",
        "skmnist.preprocessing._labels.OneHotLabelEncoder",
        "skmnist.preprocessing._pixels.PixelScaler",
    }
)


def save(estimator, path):
    """Save an estimator or a Pipeline, fitted or not, to one file.

    The file holds data only, weights and configuration, in the format of skops. It
    is written beside its name first and then renamed: a failure leaves no half file.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Of scikit-learn's and this package's classes.
    path : str or path-like
        The file, replaced if it exists.

    Raises
    ------
    TypeError
        If the estimator holds something that `load` would not trust, as a builder,
        optimizer or callback of your own.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmnist import KerasMLPClassifier, load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(KerasMLPClassifier(epochs=3), Path(folder) / "model.skmnist")
    ...     load(Path(folder) / "model.skmnist")
    KerasMLPClassifier(epochs=3)
    """
    from skops.io import dumps, get_untrusted_types

    from skmnist import __version__

    content = {
        "format": _FORMAT,
        "class": type(estimator).__name__,
        "versions": {"skmnist": __version__, "scikit-learn": sklearn.__version__},
        "estimator": estimator,
    }
    data = dumps(content, compression=zipfile.ZIP_DEFLATED)
    unknown = sorted(set(get_untrusted_types(data=data)) - _TRUSTED)
    if unknown:
        raise TypeError(
            f"{type(estimator).__name__} holds {', '.join(unknown)}, which load would "
            "not trust. joblib.dump keeps code of your own, for files that you trust."
        )
    with replacing(path) as file:
        file.write(data)


def load(path):
    """Load what `save` wrote. No code in the file is run.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : estimator or Pipeline
        Ready to predict if it was fitted.

    Raises
    ------
    ValueError
        If the file is not one that `save` wrote, was written by a newer version, or
        names types that are not trusted.
    OSError
        If the file cannot be read.
    """
    import skops.io

    data = Path(path).read_bytes()
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - _TRUSTED)
        if unknown:
            raise ValueError(f"it names types that are not trusted: {unknown}")
        content = skops.io.loads(data, trusted=sorted(_TRUSTED))
        if not isinstance(content, dict) or "format" not in content:
            raise ValueError("it was not written by skmnist.save")
        if content["format"] > _FORMAT:
            raise ValueError(
                f"it has format {content['format']} of skmnist "
                f"{content['versions']['skmnist']}, and this version reads up to "
                f"{_FORMAT}: upgrade skmnist"
            )
    except Exception as error:  # a damaged archive fails in many ways
        raise ValueError(f"Cannot load {os.fspath(path)}: {error}.") from error
    return content["estimator"]

"""Picture files: decoding to 8-bit pixels, and scaling."""

import warnings
from pathlib import Path

import numpy as np

from skmnist.datasets._npy import listing

#: Endings of the files that are taken for pictures.
SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"]
    + [".pbm", ".pgm", ".ppm"]
)
# The decoders to try; others of Pillow's start external programs or are rarely needed.
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
# 300 MB in three channels.
_MOST_PIXELS = 100_000_000


class Notes:
    """What was done to files or columns, collected for a single warning."""

    def __init__(self):
        self._names = {}

    def add(self, what, path, reason=None):
        """Note what was done to the file of a path: "scaled to 28×28 pixels"."""
        name = Path(path).name if reason is None else f"{Path(path).name} ({reason})"
        self._names.setdefault(what, []).append(name)

    def text(self):
        """Return all notes with the first files of each; empty without notes."""
        return "; ".join(f"{w}: {listing(n, 3)}" for w, n in self._names.items())

    def warn(self, source, stacklevel):
        """Give the notes in one UserWarning, if there are any."""
        if self._names:
            text = f"{source}: {self.text()}."
            warnings.warn(text, UserWarning, stacklevel=stacklevel + 1)


def read_picture(path, notes):
    """Read the pixels of a picture file.

    Parameters
    ----------
    path : pathlib.Path or binary file
    notes : Notes
        What was done is added: turned by its EXIF orientation, laid on white or black
        if it is transparent, reduced from 16 bits, the first of several frames taken.

    Returns
    -------
    pixels : ndarray of shape (height, width) or (height, width, 3), uint8
        The former if red, green and blue are equal in every pixel.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a picture, is damaged, or has more than 100 million pixels.
    """
    with open_picture(path) as picture:
        try:
            return _decode(picture, getattr(picture, "filename", ""), notes)
        except MemoryError:
            raise
        except Exception as error:  # decoders raise many types for damaged files
            raise ValueError(
                f"{path} cannot be read as a picture: {str(error).rstrip('.')}."
            ) from error


def scale_to_size(pixels, size):
    """Scale a picture to a size, its aspect ratio preserved.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, 3), uint8
    size : tuple of int
        New height and width. The rest is filled with the median of the border.

    Returns
    -------
    scaled : ndarray of shape (*size,) or (*size, 3), uint8
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    factor = min(size[0] / height, size[1] / width)
    inner = [max(1, round(factor * side)) for side in (height, width)]
    picture = Image.fromarray(pixels)
    picture = picture.resize(inner[::-1], Image.Resampling.BICUBIC)
    border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    fill = np.median(np.concatenate(border), axis=0).astype(np.uint8)
    scaled = np.full((*size, *pixels.shape[2:]), fill, dtype=np.uint8)
    top, left = ((new - side) // 2 for new, side in zip(size, inner, strict=True))
    scaled[top : top + inner[0], left : left + inner[1]] = np.asarray(picture)
    return scaled


def open_picture(path):
    """Open a picture without decoding it."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # The size is checked below, with a limit of our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path} is not a picture: expected PNG, JPEG, BMP, TIFF, WebP or GIF."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path} has more than {_MOST_PIXELS:,} pixels: reduce the picture first."
        ) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # headers are parsed by many modules
        raise ValueError(f"{path} cannot be read as a picture: {error}.") from error
    if picture.width * picture.height > _MOST_PIXELS:
        size = f"{picture.width:,}×{picture.height:,}"
        picture.close()
        raise ValueError(
            f"{path} has {size} pixels, more than {_MOST_PIXELS:,}: reduce the picture "
            "first."
        )
    return picture


def _decode(picture, path, notes):
    """Return the pixels of an opened picture as 8-bit grey or colour values."""
    from PIL import ImageOps

    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        notes.add("the first of several frames taken", path)
    if picture.getexif().get(0x0112, 1) != 1:
        notes.add("turned by their EXIF orientation", path)
        picture = ImageOps.exif_transpose(picture)
    if picture.mode == "F":
        raise ValueError("it has floating-point pixels; save it with 8 bits")
    if picture.mode.startswith("I"):
        return _in_8_bits(np.asarray(picture).astype(np.int64), path, notes)
    if picture.has_transparency_data:
        return _without_alpha(np.asarray(picture.convert("RGBA")), path, notes)
    if picture.mode in ("L", "1"):
        return np.asarray(picture.convert("L"))
    return _grey_if_equal(np.asarray(picture.convert("RGB")))


def _in_8_bits(pixels, path, notes):
    """Return pixels of 10, 12 or 16 bits in 8 bits; Pillow itself would clip them."""
    highest = pixels.max()
    if pixels.min() < 0 or highest > 65535:
        raise ValueError(f"it has pixels from {pixels.min()} to {highest}")
    n_bits = next(n for n in (8, 10, 12, 16) if highest < 2**n)
    if n_bits > 8:
        notes.add(f"reduced from {n_bits} bits to 8", path)
    return (pixels >> (n_bits - 8)).astype(np.uint8)


def _without_alpha(pixels, path, notes):
    """Return an RGBA picture on white, or on black if what is visible is light."""
    colours, alpha = pixels[..., :3], pixels[..., 3:] / 255
    if alpha.min() == 1:
        return _grey_if_equal(colours)
    is_light = alpha.any() and np.average(colours.mean(axis=-1), weights=alpha[..., 0])
    paper, name = (0, "black") if is_light > 127 else (255, "white")
    notes.add(f"transparent, laid on {name}", path)
    mixed = colours * alpha + paper * (1 - alpha)
    return _grey_if_equal(np.rint(mixed).astype(np.uint8))


def _grey_if_equal(pixels):
    """Return one channel of a picture if all three are equal."""
    red = pixels[..., :1]
    return pixels[..., 0] if (pixels[..., 1:] == red).all() else pixels


def to_channels(pixels, channels=None):
    """Return a picture in grey, of shape (h, w), or in 3 channels, (h, w, 3)."""
    if channels == 3:
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
    if pixels.ndim == 2:
        return pixels
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).convert("L"))


def is_picture(path):
    """Return whether a path is a visible file with the ending of a picture."""
    is_visible = not path.name.startswith(".")
    return is_visible and path.suffix.lower() in SUFFIXES and path.is_file()

"""Folders with a subfolder of pictures for each class, read into one array."""

import os

import numpy as np

from skmnist.datasets._pictures import (
    is_picture,
    open_picture,
    read_picture,
    scale_to_size,
    to_channels,
)

# Pictures of several sizes are scaled to this one, unless most have the same size.
_SIZE = (28, 28)
# Names of subfolders that divide the data, in the order of preference.
_PARTS = {"train": ("train", "training"), "test": ("test", "testing", "val", "valid")}


def find_class_folders(folder, subset, notes):
    """Return the picture files of each class.

    Parameters
    ----------
    folder : pathlib.Path
        It contains a subfolder for each class, or subfolders such as ``train`` and
        ``test`` that do.
    subset : {"train", "test"}
    notes : Notes
        Files of other kinds, and subfolders without pictures, are noted.

    Returns
    -------
    classes : dict of str to list of pathlib.Path, or None
        The classes in the order of their names. None if no subfolder contains pictures,
        or the subset is missing.
    """
    by_name = {path.name.lower(): path for path in _subfolders(folder)}
    parts = {
        part: [by_name[name] for name in names if name in by_name]
        for part, names in _PARTS.items()
    }
    divided = any(map(has_class_folders, parts["train"]))
    if not divided and subset == "test":
        return None
    for candidate in parts[subset] if divided else [folder]:
        if has_class_folders(candidate):
            return _pictures_by_class(candidate, notes)
    return None


def has_class_folders(folder):
    """Return whether a subfolder contains pictures."""
    return folder.is_dir() and any(map(_first_picture, _subfolders(folder)))


def read_class_folders(classes, *, source, image_shape, formatter, notes):
    """Read pictures into one array.

    Parameters
    ----------
    classes : dict of str to list of pathlib.Path
        The picture files of each class.
    source : pathlib.Path
        Their folder.
    image_shape : tuple of int or None
        (height, width) for grey or (height, width, 3) for colour. None keeps the size
        of the pictures if at least half have the same one, and takes 28×28 otherwise;
        it keeps colours if there are any.
    formatter : MNISTFormatter or None
        Applied to each picture before it is stored.
    notes : Notes
        Pictures that cannot be read are left out and noted.

    Returns
    -------
    images : ndarray of shape (n, height, width) or (n, height, width, 3), uint8
    labels : ndarray of shape (n,)
        Names of the classes; integers if all names are integers.
    filenames : ndarray of shape (n,)
        Paths relative to `source`.
    """
    files = [(path, name) for name, paths in classes.items() for path in paths]
    if image_shape is None and formatter is None:
        image_shape = _common_size([path for path, _ in files])
    stack = PictureStack(len(files), image_shape, formatter, source)
    kept, reason = [], None
    for path, name in files:
        try:
            pixels = read_picture(path, notes)
        except (OSError, ValueError) as error:
            reason = error.__cause__ or error
            notes.add("left out", path, reason)
            continue
        stack.add(pixels, path, notes)
        kept.append((path, name))
    if not kept:
        raise ValueError(
            f"No picture in {source} can be read ({len(files):,} tried): {reason}."
        )
    filenames = np.array([str(path.relative_to(source)) for path, _ in kept])
    return stack.images, _as_classes([name for _, name in kept]), filenames


class PictureStack:
    """Pictures of any size and colour, collected in one array.

    Parameters
    ----------
    n_pictures : int
        The largest number of pictures.
    image_shape : tuple of int or None
        (height, width) or (height, width, 1) for grey, (height, width, 3) for colours.
        (height, width, None) for colours if a picture has some. None takes the size of
        the first picture.
    formatter : MNISTFormatter or None
        Applied to each picture.
    source : object
        The name of the pictures in messages.

    Raises
    ------
    ValueError
        If `image_shape` has another number of channels.
    """

    def __init__(self, n_pictures, image_shape, formatter, source):
        self._n_pictures, self._source = n_pictures, source
        self._formatter = formatter
        self._size = None if image_shape is None else image_shape[:2]
        self._channels = None
        if image_shape is not None:
            self._channels = (*image_shape, 1)[2]
        if self._channels not in (1, 3, None):
            raise ValueError(
                f"image_shape={image_shape} has {self._channels} channels; pictures "
                "have 1 (grey) or 3 (red, green, blue)."
            )
        self._images, self._count = None, 0

    @property
    def images(self):
        """The pictures so far, an array of shape (n, height, width[, 3])."""
        return self._images[: self._count]

    def add(self, pixels, path, notes):
        """Add a picture, scaled to the common size."""
        if self._formatter is not None:
            pixels = self._formatter.fit_transform(pixels[np.newaxis])[0]
        if self._images is None:
            self._allocate(pixels)
        if pixels.shape[:2] != self._size:
            height, width = self._size
            notes.add(f"scaled to {width}×{height} pixels", path)
            pixels = scale_to_size(pixels, self._size)
        if pixels.ndim == 3 and self._channels == 1:
            pixels = to_channels(pixels)
        if pixels.ndim == 3 and self._images.ndim == 3:  # the first with colours
            self._images = np.repeat(self._images[..., np.newaxis], 3, axis=-1)
        channels = 3 if self._images.ndim == 4 else None
        self._images[self._count] = to_channels(pixels, channels)
        self._count += 1

    def _allocate(self, pixels):
        self._size = self._size or pixels.shape[:2]
        shape = self._n_pictures, *self._size, *([3] if self._channels == 3 else [])
        n_bytes = np.prod(shape, dtype=float) * pixels.itemsize
        if n_bytes > _half_of_memory():
            raise ValueError(
                f"The pictures in {self._source} would take {n_bytes / 2**30:.1f} GiB "
                "of memory, more than half of this machine's: pass a smaller "
                "image_shape, such as (28, 28)."
            )
        self._images = np.zeros(shape, dtype=pixels.dtype)


def _common_size(paths):
    """Return height and width of most pictures, and None for the channels."""
    counts = {}
    for path in paths:
        try:
            with open_picture(path) as picture:
                size = picture.height, picture.width
                turned = picture.getexif().get(0x0112, 1) >= 5
        except (OSError, ValueError):
            continue  # noted when its pixels are read
        size = size[::-1] if turned else size
        counts[size] = counts.get(size, 0) + 1
    most = max(counts, key=counts.get, default=_SIZE)
    is_common = 2 * counts.get(most, 0) >= sum(counts.values())
    return (*(most if is_common else _SIZE), None)


def _subfolders(folder):
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__"))
    )


def _pictures_by_class(folder, notes):
    """Return the picture files in each subfolder that contains some."""
    classes = {}
    for path in sorted(folder.iterdir()):
        if is_picture(path):
            notes.add("left out, in no folder of a class", path)
    for subfolder in _subfolders(folder):
        pictures = []
        for path in sorted(subfolder.iterdir()):
            if is_picture(path):
                pictures.append(path)
            elif not path.name.startswith((".", "__")):
                what = "a folder in a class" if path.is_dir() else "not a picture"
                notes.add(f"left out, {what}", path)
        if pictures:
            classes[subfolder.name] = pictures
        else:
            notes.add("left out, a folder without pictures", subfolder)
    return classes


def _first_picture(folder):
    return next(filter(is_picture, folder.iterdir()), None)


def _as_classes(names):
    """Return the names of classes as an array, of integers if all are integers."""
    names = np.array(names)
    whole = [name for name in set(names.tolist()) if name.isdecimal()]
    canonical = all(name.isascii() and str(int(name)) == name for name in whole)
    if canonical and len(whole) == len(set(names.tolist())):
        return names.astype(np.int64)
    return names


def _half_of_memory():
    """Return half of the physical memory in bytes; infinity if it is unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2
    except (AttributeError, ValueError, OSError):
        return float("inf")

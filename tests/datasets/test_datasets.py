import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from skmnist.datasets import (
    _arrays,
    _mnist,
    fetch_mnist,
    load_digits28,
    load_images,
    write_idx,
)
from skmnist.datasets._idx import idx_header

FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}

real_mnist = pytest.mark.skipif(
    "SKMNIST_MNIST_DIR" not in os.environ,
    reason="SKMNIST_MNIST_DIR does not name a folder with MNIST",
)


def make_arrays(n_train=30, n_test=20):
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (n_train, 28, 28), dtype=np.uint8),
        "y_train": (np.arange(n_train) % 10).astype(np.uint8),
        "x_test": rng.integers(0, 256, (n_test, 28, 28), dtype=np.uint8),
        "y_test": (np.arange(n_test) % 10).astype(np.uint8)[::-1],
    }


def write_folder(folder, arrays, rename=lambda name: name):
    folder.mkdir(exist_ok=True)
    for key, array in arrays.items():
        write_idx(folder / rename(FILES[key]), array)
    return folder


def npy(array, **header):
    """Return the bytes of an npy file with some header fields replaced."""
    content = io.BytesIO()
    fields = np.lib.format.header_data_from_array_1_0(array) | header
    np.lib.format.write_array_header_1_0(content, fields)
    return content.getvalue() + array.tobytes()


def write_zip(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.fixture
def arrays(tmp_path, monkeypatch):
    """Small arrays whose checksums are accepted, with no MNIST in other locations."""
    arrays = make_arrays()
    digests = {
        key: hashlib.sha256(idx_header(array) + array.tobytes()).hexdigest()
        for key, array in arrays.items()
    }
    for part in ("train", "test"):
        known = (digests[f"x_{part}"], digests[f"y_{part}"])
        monkeypatch.setitem(_mnist._MNIST_SHA256, part, known)
    monkeypatch.delenv("SKMNIST_MNIST_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nowhere"))
    return arrays


@pytest.fixture
def no_download(monkeypatch):
    def fail(names, cached):
        raise AssertionError("unexpected download")

    monkeypatch.setattr(_mnist, "_download", fail)


# load_digits28


def test_digits_are_in_mnist_format():
    images = load_digits28().images
    assert images.shape == (1797, 28, 28)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    # Nothing was cropped at an edge, and the full range of brightness is used.
    for edge in (images[:, [0, -1]], images[:, :, [0, -1]]):
        assert not edge.any()
    assert images.max(axis=(1, 2)).min() > 230
    assert images.max() == 255


def crop_to_ink(image):
    """Crop an image to the bounding box of its ink."""
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_digits_fit_a_20_pixel_box():
    sides = [max(crop_to_ink(image).shape) for image in load_digits28().images]
    assert min(sides) >= 18
    assert max(sides) == 20


def test_digits_keep_their_aspect_ratio():
    original, images = load_digits().images, load_digits28().images
    ratios = []
    for batch in (original, images):
        height, width = (batch.any(axis=axis).sum(axis=1) for axis in (2, 1))
        ratios.append(height / width)
    # Tolerance: rounding to whole pixels, and faint edges that cubic splines remove.
    np.testing.assert_allclose(ratios[1], ratios[0], rtol=0.2)
    assert abs(np.mean(ratios[1] / ratios[0]) - 1) < 0.02


def centres_of_mass(images):
    mass = images.sum(axis=(1, 2), dtype=float)
    steps = np.arange(28)
    rows = images.sum(axis=2, dtype=float) @ steps / mass
    return np.column_stack([rows, images.sum(axis=1, dtype=float) @ steps / mass])


def test_digits_are_centred_by_mass():
    assert np.abs(centres_of_mass(load_digits28().images) - 14).max() <= 0.5


@real_mnist
def test_real_mnist_is_centred_by_mass_in_a_20_pixel_box():
    images = fetch_mnist(subset="test").images
    assert np.abs(centres_of_mass(images) - 14).max() <= 0.5
    for axis in (1, 2):
        assert images.any(axis=axis).sum(axis=1).max() == 20


def test_digits_match_scikit_learn_and_are_anti_aliased():
    original, digits = load_digits(), load_digits28()
    np.testing.assert_array_equal(digits.target, original.target)
    shades = [len(np.unique(image)) for image in digits.images]
    assert min(shades) > 40
    for glyph, image in zip(original.images, digits.images, strict=True):
        # Downscaling the image approximately restores the original digit.
        glyph, image = crop_to_ink(glyph), crop_to_ink(image)
        factors = np.divide(glyph.shape, image.shape)
        shrunk = zoom(image / 255, factors, order=1, mode="nearest", grid_mode=True)
        assert np.corrcoef(shrunk.ravel(), glyph.ravel())[0, 1] > 0.9


def test_modifying_digits_does_not_affect_later_calls():
    first = load_digits28()
    expected = first.data.copy(), first.target.copy()
    first.data[:], first.target[:] = 7, 7
    first.feature_names.clear()
    second = load_digits28()
    np.testing.assert_array_equal(second.data, expected[0])
    np.testing.assert_array_equal(second.target, expected[1])
    assert len(second.feature_names) == 784
    frame = load_digits28(as_frame=True)
    frame.data.iloc[0, 0] = 9
    frame.images[:] = 9
    np.testing.assert_array_equal(load_digits28().data, expected[0])


@pytest.mark.slow
def test_load_digits28_does_not_import_keras_or_matplotlib():
    code = (
        "import sys; from skmnist import load_digits28; load_digits28(); "
        "print({'tensorflow', 'keras', 'scikeras', 'matplotlib'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"


# Return values of both loaders


@pytest.fixture(params=["digits", "mnist"])
def loader(request, arrays, tmp_path):
    if request.param == "digits":
        return load_digits28
    folder = write_folder(tmp_path / "mnist", arrays)
    return lambda **options: fetch_mnist(folder, **options)


def test_bunch_has_the_keys_of_scikit_learn(loader):
    bunch = loader()
    assert isinstance(bunch, Bunch)
    assert set(bunch) == set(load_digits())
    assert bunch.data.shape == (len(bunch.target), 784)
    assert bunch.data.dtype == np.uint8
    assert bunch.target.dtype == np.int64
    assert bunch.frame is None
    assert bunch.feature_names[:2] == ["pixel_0_0", "pixel_0_1"]
    assert bunch.feature_names[28] == "pixel_1_0"
    np.testing.assert_array_equal(bunch.target_names, np.arange(10))
    assert "28x28" in bunch.DESCR


def test_data_and_images_share_memory(loader):
    bunch = loader()
    assert np.shares_memory(bunch.data, bunch.images)
    np.testing.assert_array_equal(bunch.data.reshape(-1, 28, 28), bunch.images)
    assert bunch.data.flags.writeable


def test_return_X_y_returns_data_and_target(loader):
    bunch, (X, y) = loader(), loader(return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_as_frame_returns_pandas_of_dtype_uint8(loader):
    arrays, bunch = loader(), loader(as_frame=True)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    assert (bunch.data.dtypes == np.uint8).all()
    assert (bunch.target.dtype, bunch.target.name) == (np.int64, "target")
    assert list(bunch.frame.columns) == [*bunch.feature_names, "target"]
    np.testing.assert_array_equal(bunch.data, arrays.data)
    np.testing.assert_array_equal(bunch.frame["target"], arrays.target)
    np.testing.assert_array_equal(bunch.images, arrays.images)
    X, y = loader(as_frame=True, return_X_y=True)
    pd.testing.assert_frame_equal(X, bunch.data)
    pd.testing.assert_series_equal(y, bunch.target)


@pytest.mark.parametrize("option", ["return_X_y", "as_frame"])
def test_options_are_validated(loader, option):
    with pytest.raises(ValueError, match=f"The '{option}' parameter"):
        loader(**{option: "yes"})


# fetch_mnist


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name,
        lambda name: f"{name}.gz",
        lambda name: name.replace("-idx", ".idx"),
        lambda name: name.replace("-idx", ".idx") + ".gz",
    ],
    ids=["plain", "gz", "dotted", "dotted gz"],
)
def test_mnist_is_read_from_a_folder_of_idx_files(arrays, tmp_path, rename):
    folder = write_folder(tmp_path / "mnist", arrays, rename)
    for data_home in (folder, str(folder)):
        bunch = fetch_mnist(data_home)
        np.testing.assert_array_equal(bunch.images, arrays["x_train"])
        np.testing.assert_array_equal(bunch.target, arrays["y_train"])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_mnist_is_read_from_an_npz_file(arrays, tmp_path, save):
    save(tmp_path / "mnist.npz", **arrays)
    for data_home in (tmp_path, tmp_path / "mnist.npz"):
        bunch = fetch_mnist(data_home, subset="test")
        np.testing.assert_array_equal(bunch.images, arrays["x_test"])
        np.testing.assert_array_equal(bunch.target, arrays["y_test"])


def test_subset_all_is_train_then_test(arrays, tmp_path):
    bunch = fetch_mnist(write_folder(tmp_path / "mnist", arrays), subset="all")
    expected = np.concatenate([arrays["x_train"], arrays["x_test"]])
    np.testing.assert_array_equal(bunch.images, expected)
    expected = np.concatenate([arrays["y_train"], arrays["y_test"]])
    np.testing.assert_array_equal(bunch.target, expected)
    assert np.shares_memory(bunch.data, bunch.images)


def test_only_the_files_of_the_subset_are_read(arrays, tmp_path):
    folder = write_folder(tmp_path / "mnist", arrays)
    (folder / FILES["x_test"]).write_bytes(b"corrupted")
    (folder / FILES["y_test"]).unlink()
    assert len(fetch_mnist(folder).target) == 30
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        fetch_mnist(folder, subset="test")


@pytest.mark.parametrize("subset", ["training", None, 1])
def test_unknown_subset_is_refused(subset):
    with pytest.raises(ValueError, match="The 'subset' parameter of fetch_mnist"):
        fetch_mnist(subset=subset)


def test_mnist_locations_are_searched_in_order(
    arrays, tmp_path, monkeypatch, no_download
):
    with pytest.raises(OSError, match=r"not found in .*nowhere.*mnist\.npz"):
        fetch_mnist(download_if_missing=False)

    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    np.savez(tmp_path / "keras" / "datasets" / "mnist.npz", **arrays)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert len(fetch_mnist().target) == 30

    (tmp_path / "own").mkdir()
    monkeypatch.setenv("SKMNIST_MNIST_DIR", str(tmp_path / "own"))
    assert len(fetch_mnist().target) == 30

    write_idx(tmp_path / "own" / FILES["x_train"], arrays["x_train"][:3])
    write_idx(tmp_path / "own" / FILES["y_train"], arrays["y_train"][:3])
    with pytest.raises(ValueError, match="own"):
        fetch_mnist()


def test_keras_home_defaults_to_user_home(arrays, tmp_path, monkeypatch, no_download):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / ".keras" / "datasets").mkdir(parents=True)
    np.savez(tmp_path / ".keras" / "datasets" / "mnist.npz", **arrays)
    assert len(fetch_mnist().target) == 30


def test_missing_mnist_error_lists_all_searched_locations(
    tmp_path, arrays, monkeypatch, no_download
):
    monkeypatch.setenv("SKMNIST_MNIST_DIR", str(tmp_path))
    with pytest.raises(OSError, match="nowhere") as caught:
        fetch_mnist(download_if_missing=False)
    assert str(tmp_path) in str(caught.value)
    # If data_home is given, no other location is searched and nothing is downloaded.
    with pytest.raises(FileNotFoundError, match="elsewhere") as caught:
        fetch_mnist(tmp_path / "elsewhere")
    assert "nowhere" not in str(caught.value)


@pytest.mark.parametrize("key", FILES)
@pytest.mark.parametrize("kind", ["idx", "npz"])
def test_wrong_checksum_is_refused(arrays, tmp_path, key, kind):
    part = key.split("_")[1]
    expected = _mnist._MNIST_SHA256[part]["xy".index(key[0])]
    changed = arrays[key].copy()
    changed.flat[-1] ^= 1
    got = hashlib.sha256(idx_header(changed) + changed.tobytes()).hexdigest()
    arrays[key] = changed
    if kind == "idx":
        data_home = write_folder(tmp_path / "mnist", arrays)
        source = str(data_home / FILES[key])
    else:
        data_home = tmp_path / "mnist.npz"
        np.savez(data_home, **arrays)
        source = f"{data_home}['{key}']"
    with pytest.raises(ValueError, match="SHA-256") as caught:
        fetch_mnist(data_home, subset="all")
    for word in (source, expected, got):
        assert word in str(caught.value)


def test_wrong_dtype_is_refused(arrays, tmp_path):
    arrays["y_train"] = arrays["y_train"].astype(np.int64)
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match=r"y_train.*int64, expected uint8"):
        fetch_mnist(tmp_path)


@real_mnist
def test_real_mnist_is_loaded():
    bunch = fetch_mnist(subset="all")
    assert bunch.images.shape == (70000, 28, 28)
    assert bunch.target[:5].tolist() == [5, 0, 4, 1, 9]
    assert bunch.target[60000:60005].tolist() == [7, 2, 1, 0, 4]
    np.testing.assert_array_equal(bunch.target_names, np.arange(10))
    assert len(fetch_mnist().target) == 60000


@real_mnist
def test_real_mnist_is_loaded_from_npz(tmp_path):
    test = fetch_mnist(subset="test")
    labels = test.target.astype(np.uint8)
    np.savez_compressed(tmp_path / "mnist.npz", x_test=test.images, y_test=labels)
    again = fetch_mnist(tmp_path, subset="test")
    np.testing.assert_array_equal(again.images, test.images)


# load_images


@pytest.mark.parametrize(
    "keys", [pair for p in _arrays.NPZ_KEYS.values() for pair in p]
)
def test_load_images_reads_npz_with_any_supported_names(tmp_path, keys):
    images = np.arange(48, dtype=np.float64).reshape(4, 4, 3)
    arrays = dict(zip(keys, (images, [3, 1, 3, 1]), strict=True))
    np.savez(tmp_path / "own.npz", other=np.zeros(2), **arrays)
    subset = "test" if "test" in keys[0] else "train"
    bunch = load_images(tmp_path / "own.npz", subset)
    np.testing.assert_array_equal(bunch.images, images)
    assert bunch.images.dtype == np.float64
    assert bunch.data.shape == (4, 12)
    assert bunch.target.tolist() == [3, 1, 3, 1]
    assert bunch.target_names.tolist() == [1, 3]
    assert bunch.feature_names[3] == "pixel_1_0"


@pytest.mark.parametrize("prefix", ["train-", "emnist-letters-train-", "mine-", ""])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_load_images_reads_idx_files_with_any_prefix(tmp_path, prefix, suffix):
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)
    write_idx(tmp_path / f"{prefix}images-idx3-ubyte{suffix}", images)
    write_idx(tmp_path / f"{prefix}labels-idx1-ubyte{suffix}", np.uint8([7, 8]))
    bunch = load_images(tmp_path)
    np.testing.assert_array_equal(bunch.images, images)
    assert bunch.target.tolist() == [7, 8]


@pytest.mark.parametrize("name", ["t10k", "test"])
def test_load_images_reads_test_subset(tmp_path, name):
    def rename(file):
        return file.replace("t10k", name)

    arrays = make_arrays()
    write_folder(tmp_path, arrays, rename)
    np.testing.assert_array_equal(load_images(tmp_path).images, arrays["x_train"])
    test = load_images(tmp_path, "test")
    np.testing.assert_array_equal(test.images, arrays["x_test"])
    assert len(load_images(tmp_path, "all").target) == 50


@pytest.mark.parametrize(
    ("shape", "images_shape", "last_name"),
    [
        ((3, 5, 4), (3, 5, 4), "pixel_4_3"),
        ((3, 5, 4, 3), (3, 5, 4, 3), "pixel_4_3_2"),
        ((3, 64), (3, 8, 8), "pixel_7_7"),
        ((3, 16), (3, 16), "pixel_15"),
        ((3, 15), (3, 15), "pixel_14"),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float32", "float64"])
def test_load_images_accepts_all_shapes_and_dtypes(
    tmp_path, shape, images_shape, last_name, dtype
):
    images = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    np.savez(tmp_path / "own.npz", X=np.asfortranarray(images), y=["a", "b", "a"])
    bunch = load_images(tmp_path / "own.npz")
    np.testing.assert_array_equal(bunch.images, images.reshape(images_shape))
    assert bunch.images.dtype == np.dtype(dtype).newbyteorder("=")
    assert bunch.images.dtype.isnative
    assert np.shares_memory(bunch.data, bunch.images)
    assert bunch.feature_names[-1] == last_name
    assert bunch.target.tolist() == ["a", "b", "a"]


IMAGES, LABELS = np.zeros((3, 4, 4), np.uint8), np.array([0, 1, 0])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[0, 0], LABELS, r"shape \(4,\).*; expected a non-empty array of"),
        (IMAGES[..., None, None], LABELS, r"\(3, 4, 4, 1, 1\).*; expected a non-"),
        (IMAGES[:0], LABELS[:0], "expected a non-empty array"),
        (IMAGES[:, :0], LABELS, "expected a non-empty array"),
        (IMAGES > 0, LABELS, "dtype bool"),
        (IMAGES.astype("U1"), LABELS, "dtype <U1"),
        (IMAGES * 1j, LABELS, "complex128; expected numbers or strings"),
        (IMAGES, LABELS[:2], "has 3 images.*has 2 labels"),
        (IMAGES, LABELS * 0.5, r"contains the label 0.5; expected integers, bools"),
        (IMAGES, np.eye(3, dtype=int), r"shape \(3, 3\).*; expected .*argmax"),
        (IMAGES, np.array([None] * 3), "object|pickle"),
    ],
)
def test_invalid_images_or_labels_are_refused(tmp_path, images, labels, message):
    np.savez(tmp_path / "own.npz", X=images, y=labels)
    with pytest.raises(ValueError, match=message) as caught:
        load_images(tmp_path / "own.npz")
    assert str(tmp_path / "own.npz") in str(caught.value)


def test_images_and_labels_of_different_length_are_refused(arrays, tmp_path):
    arrays["y_train"] = arrays["y_train"][:-1]
    folder = write_folder(tmp_path / "mnist", arrays)
    for load in (fetch_mnist, load_images):
        with pytest.raises(ValueError, match=r"has 30 images.*has 29 labels"):
            load(folder)


def test_subsets_of_different_shape_are_refused(tmp_path):
    test = {"x_test": IMAGES[:, 1:], "y_test": LABELS}
    np.savez(tmp_path / "own.npz", x_train=IMAGES, y_train=LABELS, **test)
    with pytest.raises(ValueError, match=r"\(4, 4\).*but .*\(3, 4\)"):
        load_images(tmp_path / "own.npz", "all")


def test_missing_files_error_lists_found_and_expected_names(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_images(tmp_path / "nowhere.npz")
    with pytest.raises(
        ValueError, match=r"contains nothing; expected a folder with train-images"
    ):
        load_images(tmp_path)
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    with pytest.raises(ValueError, match="contains train-images-idx3-ubyte; expected"):
        load_images(tmp_path)
    np.savez(tmp_path / "own.npz", x_train=IMAGES, labels=LABELS)
    expected = "contains x_train, labels; expected x_train and y_train"
    with pytest.raises(ValueError, match=expected):
        load_images(tmp_path / "own.npz")


def test_ambiguous_idx_files_are_refused_unless_one_set_has_mnist_names(tmp_path):
    for prefix in ("a-", "b-"):
        write_idx(tmp_path / f"{prefix}train-images-idx3-ubyte", IMAGES)
        write_idx(tmp_path / f"{prefix}train-labels-idx1-ubyte", LABELS.astype("u1"))
    with pytest.raises(ValueError, match="2 sets of images.*a-train.*b-train"):
        load_images(tmp_path)
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES + 1)
    write_idx(tmp_path / "train-labels-idx1-ubyte", LABELS.astype("u1"))
    assert load_images(tmp_path).images.min() == 1


# Corrupted and malicious npz files

VALID = {"X": npy(IMAGES), "y": npy(LABELS)}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"shape": (2**31, 2**31)}, "4611686018427387904 bytes, but contains 48"),
        ({"shape": (2**62, 2**62, 2**62)}, "declares uint8 data"),
        ({"shape": (3, 4, 3)}, "36 bytes, but contains 48"),
        ({"shape": (-3, -4, 4)}, "declares"),
        ({"descr": "<U4294967"}, "declares"),
        ({"descr": "|O"}, "dtype object"),
        ({"descr": "|V16"}, "dtype"),
        ({"descr": "nonsense"}, "descr"),
        ({"shape": "many"}, "shape"),
    ],
)
@pytest.mark.parametrize("key", ["X", "y"])
def test_npy_header_with_wrong_size_is_refused_before_allocation(
    tmp_path, header, message, key
):
    array = IMAGES if key == "X" else IMAGES.ravel()
    path = write_zip(tmp_path / "own.npz", VALID | {key: npy(array, **header)})
    tracemalloc.start()
    with pytest.raises(ValueError, match=message) as caught:
        load_images(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert peak < 1_000_000


def patch_sizes(path, unpacked):
    """Change the unpacked size of the first member in the zip directory."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\1\2")
    content[entry + 24 : entry + 28] = unpacked.to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize(
    "compression",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED],
    ids=["stored", "deflated"],
)
def test_oversized_zip_member_is_refused_before_allocation(tmp_path, compression):
    shape = (2**31 - 1, 1, 1)
    members = {"X": npy(IMAGES, shape=shape), "y": npy(LABELS)}
    path = write_zip(tmp_path / "own.npz", members, compression)
    patch_sizes(path, 2**31 - 1 + 128)
    tracemalloc.start()
    with pytest.raises(
        ValueError, match=r"X\.npy declares 2147483775 bytes of data, more"
    ):
        load_images(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_npz_memory_is_bounded_by_actual_size(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 500_000, dtype=np.uint8)
    members = {"X": npy(noise, shape=(400_000_000, 1)), "y": npy(LABELS)}
    path = write_zip(tmp_path / "own.npz", members)
    patch_sizes(path, 400_000_128)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"X\.npy is truncated|CRC"):
        load_images(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unsupported_zip_compression_is_refused(tmp_path, compression):
    path = write_zip(tmp_path / "own.npz", VALID, compression)
    with pytest.raises(ValueError, match="has zip compression method"):
        load_images(path)


def test_unsupported_npy_version_is_refused(tmp_path):
    content = b"\x93NUMPY\2\0" + (2**32 - 1).to_bytes(4, "little") + bytes(1000)
    path = write_zip(tmp_path / "own.npz", VALID | {"X": content})
    with pytest.raises(ValueError, match=r"npy version \(2, 0\)"):
        load_images(path)


def test_pickle_in_an_npz_is_not_executed(tmp_path):
    marker = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return Path.touch, (marker,)

    np.savez(tmp_path / "own.npz", X=IMAGES, y=np.array([Attack()] * 3))
    with pytest.raises(ValueError, match="dtype object"):
        load_images(tmp_path / "own.npz")
    assert not marker.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", zlib.compress(b"not a zip"), b"PK\3\4" + bytes(60)]
)
def test_invalid_zip_is_an_error_with_the_path(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.npz cannot be read as an npz file"):
        load_images(tmp_path / "own.npz")


def mutate(data, content):
    """Change up to four bytes and, in some examples, truncate the content."""
    content = bytearray(content)
    position = st.integers(0, len(content) - 1)
    edits = st.lists(st.tuples(position, st.integers(0, 255)), max_size=4)
    for index, value in data.draw(edits):
        content[index] = value
    del content[data.draw(st.just(len(content)) | position) :]
    return bytes(content)


# NumPy warns if a corrupted header looks like one written by Python 2.
@pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz` file required")
@pytest.mark.parametrize("mutated", ["archive", "member"])
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mutated_npz_gives_images_or_a_clear_error(tmp_path, mutated, data):
    path = tmp_path / "own.npz"
    if mutated == "archive":
        path.write_bytes(mutate(data, write_zip(path, VALID).read_bytes()))
    else:
        key = data.draw(st.sampled_from(sorted(VALID)))
        write_zip(path, VALID | {key: mutate(data, VALID[key])})
    try:
        outcome = load_images(path).images.dtype.kind
    except ValueError as error:
        outcome = str(error)
    assert outcome in ("i", "u", "f") or str(path) in outcome

"""Folders with a subfolder of pictures for each class, and IDX files of all kinds."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from skmnist import MNISTFormatter, PixelScaler, load_digits28, load_images, write_idx
from skmnist.datasets._files import has_test_part

DIGITS = load_digits28()
N = 40
IMAGES, Y = DIGITS.images[:N], DIGITS.target[:N]


def write_folder(folder, images=IMAGES, labels=Y, suffix=".png", **options):
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(label) / f"{number:03}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **options)
    return folder


def by_file(bunch):
    """Return images by the name of their file."""
    return {
        name.split("/")[-1]: image
        for name, image in zip(bunch.filenames, bunch.images, strict=True)
    }


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".png", {}),
        (".bmp", {}),
        (".tif", {}),
        (".TIFF", {}),
        (".gif", {}),
        (".pgm", {}),
    ]
    + [(".webp", {"lossless": True}), (".jpg", {"quality": 100})],
)
def test_pictures_of_every_kind_are_read(tmp_path, suffix, options):
    bunch = load_images(write_folder(tmp_path, suffix=suffix, **options))
    assert bunch.images.dtype == np.uint8
    for name, image in by_file(bunch).items():
        expected = IMAGES[int(name.split(".")[0])].astype(int)
        assert np.abs(image - expected).max() <= (3 if suffix == ".jpg" else 0)
    assert bunch.target.tolist() == sorted(Y.tolist())
    assert bunch.filenames[0] == f"0/000{suffix}"


def test_names_of_folders_are_the_classes(tmp_path):
    names = np.array(
        ["null", "eins", "zwei", "日本", "العربية", "a b", "x.y", "7", "8", "9"]
    )
    bunch = load_images(write_folder(tmp_path, labels=names[Y]))
    assert bunch.target_names.tolist() == sorted(names.tolist())
    assert (bunch.images[bunch.target == "null"][0] == IMAGES[0]).all()


def test_only_canonical_integers_become_integers(tmp_path):
    assert load_images(write_folder(tmp_path / "a")).target.dtype == np.int64
    padded = np.array([f"{label:02}" for label in Y])
    bunch = load_images(write_folder(tmp_path / "b", labels=padded))
    assert bunch.target_names.tolist()[:2] == ["00", "01"]


def test_colours_are_kept_if_there_are_any(tmp_path):
    grey = np.repeat(IMAGES[..., np.newaxis], 3, axis=-1)
    bunch = load_images(write_folder(tmp_path, grey))
    assert bunch.images.shape == (N, 28, 28)  # red, green and blue are equal
    red = np.zeros((28, 28, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / "5" / "red.png")
    bunch = load_images(tmp_path)
    assert bunch.images.shape == (N + 1, 28, 28, 3)
    images = by_file(bunch)
    np.testing.assert_array_equal(images["red.png"], red)
    np.testing.assert_array_equal(images["000.png"], grey[0])
    assert load_images(tmp_path, image_shape=(28, 28)).images.shape == (N + 1, 28, 28)


def test_palettes_and_1_bit_pictures_keep_their_grey_values(tmp_path):
    write_folder(tmp_path)
    Image.fromarray(IMAGES[1]).convert("P").save(tmp_path / "1" / "palette.png")
    Image.fromarray(IMAGES[1] > 127).save(tmp_path / "1" / "bit.png")
    images = by_file(load_images(tmp_path))
    np.testing.assert_array_equal(images["palette.png"], IMAGES[1])
    np.testing.assert_array_equal(images["bit.png"], np.where(IMAGES[1] > 127, 255, 0))


def test_what_was_done_is_said_once_with_names(tmp_path):
    write_folder(tmp_path)
    ink = np.zeros((28, 28, 4), np.uint8)
    ink[5:20, 5:9, 3] = 255  # black, and transparent elsewhere
    Image.fromarray(ink).save(tmp_path / "1" / "black.png")
    ink[..., :3] = 255
    Image.fromarray(ink).save(tmp_path / "1" / "white.png")
    Image.fromarray(IMAGES[3].astype(np.uint16) * 257).save(tmp_path / "3" / "deep.png")
    Image.fromarray(IMAGES[:2].reshape(-1, 28)).save(tmp_path / "3" / "tall.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(IMAGES[4]).save(tmp_path / "4" / "turned.png", exif=exif)
    (tmp_path / "2" / "cut.png").write_bytes(
        (tmp_path / "2" / "002.png").read_bytes()[:90]
    )
    (tmp_path / "2" / "notes.txt").write_text("mine")
    (tmp_path / "2" / ".hidden").write_text("mine")
    (tmp_path / "empty").mkdir()
    with pytest.warns(UserWarning, match="transparent") as record:
        bunch = load_images(tmp_path)
    (warning,) = record
    said = str(warning.message)
    assert warning.filename == __file__
    for words in (
        "transparent, laid on white: black.png",
        "transparent, laid on black: white.png",
        "reduced from 16 bits to 8: deep.png",
        "scaled to 28×28 pixels: tall.png",
        "turned by their EXIF orientation: turned.png",
        "left out: cut.png (image file is truncated",
        "left out, not a picture: notes.txt",
        "left out, a folder without pictures: empty",
    ):
        assert words in said
    assert ".hidden" not in said
    images = by_file(bunch)
    assert len(images) == N + 5
    assert images["black.png"].min() == 0 == images["black.png"][10, 7]
    assert images["black.png"][0, 0] == 255
    assert (images["white.png"][0, 0], images["white.png"][10, 7]) == (0, 255)
    np.testing.assert_array_equal(images["deep.png"], IMAGES[3])
    np.testing.assert_array_equal(images["turned.png"], np.rot90(IMAGES[4], -1))


def test_size_of_most_pictures_is_kept_or_28_by_28(tmp_path):
    larger = np.stack([np.kron(image, np.ones((2, 2), np.uint8)) for image in IMAGES])
    write_folder(tmp_path, larger)
    assert load_images(tmp_path).images.shape == (N, 56, 56)
    for number in range(N + 1):
        size = (40 + number, 30)
        Image.fromarray(np.full(size, 9, np.uint8)).save(
            tmp_path / "0" / f"x{number}.png"
        )
    with pytest.warns(UserWarning, match="scaled to 28×28 pixels: .* and 78 more"):
        assert load_images(tmp_path).images.shape == (2 * N + 1, 28, 28)
    with pytest.warns(UserWarning, match="scaled to 20×16 pixels"):
        assert load_images(tmp_path, image_shape=(16, 20)).images.shape[1:] == (16, 20)


def test_scaling_preserves_the_aspect_ratio_and_fills_with_the_border(tmp_path):
    page = np.full((80, 20), 230, np.uint8)
    page[20:60, 8:12] = 10
    write_folder(tmp_path, [page, page.T], [0, 1])
    with pytest.warns(UserWarning, match="scaled"):
        tall, wide = load_images(tmp_path, image_shape=(40, 40)).images
    np.testing.assert_array_equal(tall, wide.T)
    assert (tall[:, :15] == 230).all()
    assert (tall[:, 25:] == 230).all()
    assert np.ptp(np.flatnonzero((tall < 120).any(axis=1))) + 1 == 20
    assert np.ptp(np.flatnonzero((tall < 120).any(axis=0))) + 1 == 2


def test_formatter_is_applied_to_pictures_of_any_size(tmp_path):
    photos = [
        255 - np.pad(np.kron(i, np.ones((k, k), np.uint8)), 9)
        for k, i in enumerate(IMAGES, 2)
    ]
    folder = write_folder(tmp_path, photos[:12], Y[:12])
    bunch = load_images(folder, formatter=MNISTFormatter())
    assert bunch.images.shape == (12, 28, 28)
    assert bunch.images[:, 0].max() == 0
    likeness = [
        np.corrcoef(image.ravel(), IMAGES[int(name.split(".")[0])].ravel())[0, 1]
        for name, image in by_file(bunch).items()
    ]
    assert min(likeness) > 0.9


def test_output_of_any_formatter_keeps_its_dtype(tmp_path):
    folder = write_folder(tmp_path)
    images = load_images(folder, formatter=PixelScaler()).images
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, load_images(folder).images / np.float32(255))


def test_16_bit_pictures_keep_the_bits_in_use(tmp_path):
    for bits in (8, 10, 12, 16):
        deep = IMAGES.astype(np.uint16) << (bits - 8)
        write_folder(tmp_path / str(bits), deep)
        if bits == 8:
            bunch = load_images(tmp_path / "8")
        else:
            with pytest.warns(UserWarning, match="bits to 8") as record:
                bunch = load_images(tmp_path / str(bits))
            assert f"reduced from {bits} bits to 8" in str(record[0].message)
        images = by_file(bunch)
        for number in (0, 17):
            np.testing.assert_array_equal(images[f"{number:03}.png"], IMAGES[number])


def test_pictures_outside_of_the_folders_of_classes_are_named(tmp_path):
    write_folder(tmp_path)
    Image.fromarray(IMAGES[0]).save(tmp_path / "loose.png")
    (tmp_path / "0" / "more").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "0" / "more" / "deep.png")
    (tmp_path / "1" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.warns(UserWarning, match="left out") as record:
        assert len(load_images(tmp_path).target) == N
    said = str(record[0].message)
    assert "left out, in no folder of a class: loose.png" in said
    assert "left out, a folder in a class: more" in said
    assert "left out, not a picture: lost.png" in said


def test_folders_train_and_test_are_found_in_any_case(tmp_path):
    write_folder(tmp_path / "Train", IMAGES[:30], Y[:30])
    (tmp_path / "Test").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "Test" / "000.png")
    (tmp_path / "Meta").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "Meta" / "0.png")
    bunch = load_images(tmp_path)
    assert bunch.target_names.dtype == np.int64
    assert len(bunch.target) == 30


def test_both_subsets_of_pictures_get_one_size(tmp_path):
    write_folder(tmp_path / "train")
    larger = np.stack([np.kron(image, np.ones((2, 2), np.uint8)) for image in IMAGES])
    write_folder(tmp_path / "test", larger)
    with pytest.warns(UserWarning, match="scaled to 28×28"):
        assert load_images(tmp_path, "all").images.shape == (2 * N, 28, 28)


def test_divided_folders_have_a_test_part(tmp_path):
    write_folder(tmp_path / "training", IMAGES[:30], Y[:30])
    assert not has_test_part(tmp_path)
    with pytest.raises(ValueError, match="contains training; expected"):
        load_images(tmp_path, "test")
    write_folder(tmp_path / "testing", IMAGES[30:], Y[30:])
    assert has_test_part(tmp_path)
    assert len(load_images(tmp_path).target) == 30
    assert len(load_images(tmp_path, "test").target) == 10
    assert len(load_images(tmp_path, "all").filenames) == 40


def test_unusable_folders_are_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="contains nothing; expected .* each class"):
        load_images(tmp_path)
    folder = write_folder(tmp_path / "flat", IMAGES[:3], [0, 0, 0])
    with pytest.raises(ValueError, match="can be predicted, but not learned from"):
        load_images(folder / "0")
    with pytest.raises(ValueError, match="single picture without a label"):
        load_images(folder / "0" / "000.png")
    for path in (folder / "0").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"No picture in .* can be read \(3 tried\)"):
        load_images(folder)
    (tmp_path / "model.pkl").write_bytes(b"x")
    with pytest.raises(ValueError, match="is of no known kind: expected a CSV"):
        load_images(tmp_path / "model.pkl")


def test_huge_picture_is_left_out_before_it_is_decoded(tmp_path):
    write_folder(tmp_path)
    Image.new("1", (30_000, 10_000)).save(tmp_path / "0" / "huge.png")
    tracemalloc.start()
    with pytest.warns(
        UserWarning, match=r"left out: huge.png \(.*300,?000,?000|30,000×10,000 pixels"
    ):
        assert len(load_images(tmp_path).target) == N
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_pictures_that_exceed_memory_are_refused_with_a_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "skmnist.datasets._picture_folders._half_of_memory", lambda: 20_000
    )
    with pytest.raises(ValueError, match=r"would take .* pass a smaller image_shape"):
        load_images(write_folder(tmp_path))


def test_memory_is_that_of_one_array(tmp_path):
    folder = write_folder(tmp_path, np.tile(IMAGES, (25, 1, 1)), np.tile(Y, 25))
    load_images(folder)
    tracemalloc.start()
    images = load_images(folder).images
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert images.base.nbytes == 1000 * 784
    assert peak < 1000 * 784 + 1_500_000  # paths, names and one decoded picture


# IDX


@pytest.mark.parametrize("nested_only", [True, False])
def test_kaggle_folders_that_bear_a_file_name_are_read(tmp_path, nested_only):
    labels = Y.astype(np.uint8)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", IMAGES), ("labels-idx1", labels)):
            nested = tmp_path / f"{part}-{kind}-ubyte"
            nested.mkdir()
            write_idx(nested / nested.name, array)
            if not nested_only:
                dotted = f"{part}-{kind.replace('-', '.')}-ubyte"
                write_idx(tmp_path / dotted, array)
    np.testing.assert_array_equal(load_images(tmp_path).images, IMAGES)
    assert has_test_part(tmp_path)


def test_emnist_is_transposed_on_request(tmp_path):
    for name in ("letters", "digits"):
        prefix = f"emnist-{name}-train"
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", IMAGES.swapaxes(1, 2))
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", Y.astype(np.uint8))
    with pytest.raises(ValueError, match="2 sets of images .* or pass the path"):
        load_images(tmp_path)
    path = tmp_path / "emnist-letters-train-images-idx3-ubyte.gz"
    bunch = load_images(path, transpose=True)
    np.testing.assert_array_equal(bunch.images, IMAGES)
    assert bunch.images.flags.c_contiguous
    path.with_name(path.name.replace("images-idx3", "labels-idx1")).unlink()
    with pytest.raises(ValueError, match="no IDX file of labels beside"):
        load_images(path)


@pytest.mark.parametrize(
    "make", [lambda y: y.reshape(-1, 1).astype("u1"), lambda y: y.astype(float)]
)
def test_npz_labels_may_be_a_column_or_whole_floats(tmp_path, make):
    np.savez(
        tmp_path / "own.npz",
        x_train=IMAGES,
        y_train=make(Y),
        x_test=IMAGES,
        y_test=make(Y),
    )
    bunch = load_images(tmp_path / "own.npz")
    np.testing.assert_array_equal(bunch.target, Y, strict=True)
    assert has_test_part(tmp_path / "own.npz")

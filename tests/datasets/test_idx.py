import gzip
import os
import struct
import tracemalloc
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from skmnist.datasets import read_idx, write_idx

CODES = {
    "uint8": 0x08,
    "int8": 0x09,
    "int16": 0x0B,
    "int32": 0x0C,
    "float32": 0x0D,
    "float64": 0x0E,
}
NAMES = ("array-idx", "array-idx.gz")

# tmp_path may be shared between examples because each example replaces the file.
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def payload(code, shape, data=b""):
    """Return the bytes of an IDX file, written independently of `write_idx`."""
    header = bytes([0, 0, code, len(shape)])
    return header + struct.pack(f">{len(shape)}I", *shape) + data


@st.composite
def arrays(draw, max_dims=5):
    dtype = np.dtype(draw(st.sampled_from(sorted(CODES))))
    shape = draw(
        nps.array_shapes(min_dims=0, max_dims=max_dims, min_side=0, max_side=4)
    )
    dtype = dtype.newbyteorder(draw(st.sampled_from("<>")))
    array = draw(nps.arrays(dtype, shape))
    layout = draw(st.sampled_from(["C", "F", "reversed", "strided"]))
    if layout == "F":
        array = np.copy(array, order="F")
    elif array.ndim and layout == "reversed":
        array = array[::-1].T
    elif array.ndim and layout == "strided":
        array = array[..., ::2]
    return array


def read_or_error(path):
    """Return ``(array, None)``, or ``(None, message)`` if reading fails."""
    try:
        return read_idx(path), None
    except ValueError as error:
        return None, str(error)


def peak_memory(function, *args):
    """Return the message of the ValueError raised and the peak memory in bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as caught:
            function(*args)
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@quick
@given(array=arrays(), name=st.sampled_from(NAMES))
@example(array=np.array(-7, dtype=">i4"), name="array-idx")
@example(array=np.zeros((0, 28, 28), np.uint8), name="array-idx.gz")
@example(array=np.array([np.nan, -0.0, np.inf]), name="array-idx")
def test_round_trip_is_exact(tmp_path, array, name):
    write_idx(tmp_path / name, array)
    back = read_idx(tmp_path / name)
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.dtype.isnative
    assert back.shape == array.shape
    assert back.tobytes() == array.astype(back.dtype).tobytes()
    assert back.flags.writeable
    assert back.flags.c_contiguous


@pytest.mark.parametrize(("dtype", "code"), CODES.items())
def test_written_bytes_follow_the_idx_format(tmp_path, dtype, code):
    values = np.array([[1, 2, 3], [4, 5, 6]], dtype=dtype)
    data = values.astype(values.dtype.newbyteorder(">")).tobytes()
    expected = payload(code, (2, 3), data)
    write_idx(tmp_path / "a", values)
    assert (tmp_path / "a").read_bytes() == expected
    write_idx(tmp_path / "a.gz", values)
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == expected


def test_gzip_is_detected_by_content(tmp_path):
    content = payload(0x08, (3,), b"\1\2\3")
    (tmp_path / "plain.gz").write_bytes(content)
    (tmp_path / "zipped").write_bytes(gzip.compress(content))
    (tmp_path / "members").write_bytes(
        gzip.compress(content[:5]) + gzip.compress(content[5:])
    )
    for name in ("plain.gz", "zipped", "members"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), [1, 2, 3])


def test_equal_arrays_give_equal_gzip_files(tmp_path):
    array = np.arange(100, dtype=np.int16)
    write_idx(tmp_path / "first.gz", array)
    write_idx(tmp_path / "second.gz", array[::-1][::-1])
    assert (tmp_path / "first.gz").read_bytes() == (tmp_path / "second.gz").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\0\0\x08", "not an IDX file"),
        (b"\x93NUMPY", "starts with the bytes 93 4e 55 4d"),
        (payload(0x0A, (1,), b"\0"), "unknown IDX type code 0x0A.*0x08 uint8"),
        (payload(0x08, (1, 2))[:-1], "truncated within its header"),
        (
            payload(0x08, (2, 3), bytes(5)),
            "6 bytes, more than|6 bytes of data, but only 5",
        ),
        (
            payload(0x0E, (1,), bytes(7)),
            "8 bytes, more than|8 bytes of data, but only 7",
        ),
        (payload(0x08, (2, 3), bytes(7)), "trailing data after the 6 bytes"),
        (payload(0x08, (0,), b"\0"), "trailing data after the 0 bytes"),
        (payload(0x08, (), b""), "1 bytes, more than|1 bytes of data, but only 0"),
        (payload(0x08, (1,) * 65, b"\0"), "65 dimensions.*at most 64"),
        (payload(0x08, (0, 2**32 - 1, 2**32 - 1)), "NumPy does not support"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_malformed_file_is_an_error_with_the_path(tmp_path, content, message, zipped):
    path = tmp_path / "some-file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_sixty_four_dimensions_are_read(tmp_path):
    (tmp_path / "a").write_bytes(payload(0x08, (1,) * 64, b"\5"))
    assert read_idx(tmp_path / "a").shape == (1,) * 64


def corrupt_crc(content):
    return content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]


@pytest.mark.parametrize(
    "corrupt",
    [
        corrupt_crc,
        lambda content: content[:-4],
        lambda content: content[: len(content) // 2],
        lambda content: content[:5],
        lambda content: content + b"garbage",
        lambda content: content[:10] + b"\xff" * 20 + content[30:],
    ],
    ids=["checksum", "no length", "half", "header only", "garbage after", "deflate"],
)
def test_corrupted_gzip_is_an_error_with_the_path(tmp_path, corrupt):
    path = tmp_path / "images.gz"
    write_idx(path, np.arange(200, dtype=np.int32))
    path.write_bytes(corrupt(path.read_bytes()))
    with pytest.raises(ValueError, match="images.gz is a corrupted gzip file"):
        read_idx(path)


def test_missing_file_or_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(OSError, match=str(tmp_path)):
        read_idx(tmp_path)


@settings(quick, max_examples=200)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_mutated_file_gives_an_array_or_a_clear_error(tmp_path, data, name):
    path = tmp_path / name
    write_idx(path, data.draw(arrays(max_dims=3)))
    content = bytearray(path.read_bytes())
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)))
    ):
        content[position] = value
    del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(content)
    array, message = read_or_error(path)
    assert str(path) in message if message else array.dtype.name in CODES


@settings(quick, max_examples=200)
@given(content=st.binary(max_size=60), zipped=st.booleans())
def test_any_bytes_give_an_array_or_a_clear_error(tmp_path, content, zipped):
    path = tmp_path / "a"
    content = b"\0\0" + content
    path.write_bytes(gzip.compress(content) if zipped else content)
    array, message = read_or_error(path)
    if message:
        assert str(path) in message
    else:
        write_idx(path, array)
        assert path.read_bytes() == content


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "shape", [(2**31, 2**31), (2**32 - 1,) * 60, (2**20,), (10**9,)]
)
def test_declared_size_beyond_the_file_is_refused_before_allocation(
    tmp_path, shape, zipped
):
    content = payload(0x0E, shape, bytes(100))
    (tmp_path / "a").write_bytes(gzip.compress(content) if zipped else content)
    message, peak = peak_memory(read_idx, tmp_path / "a")
    assert f"{8 * prod(shape)} bytes, more than" in message
    assert peak < 1_000_000


def test_gzip_bomb_is_not_unpacked(tmp_path):
    content = payload(0x08, (2, 2), bytes(50_000_000))
    (tmp_path / "a").write_bytes(gzip.compress(content))
    message, peak = peak_memory(read_idx, tmp_path / "a")
    assert "trailing data after the 4 bytes" in message
    assert peak < 1_000_000


def test_gzip_memory_is_bounded_by_actual_size(tmp_path):
    noise = np.random.default_rng(0).bytes(500_000)
    (tmp_path / "a").write_bytes(gzip.compress(payload(0x08, (500_000_000,), noise)))
    message, peak = peak_memory(read_idx, tmp_path / "a")
    assert "declares 500000000 bytes of data, but only 500000 are" in message
    assert peak < 4_000_000


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3, dtype=np.int64),
        np.array([True]),
        np.array(["a"]),
        np.array([None]),
        np.array([1], dtype=np.uint16),
        np.array([1], dtype=np.float16),
        np.array([1j]),
        np.zeros(1, dtype=[("a", "i4")]),
        np.array(["a"], dtype=np.dtypes.StringDType()),
        np.array(["2020"], dtype="M8[D]"),
    ],
    ids=lambda array: str(array.dtype),
)
def test_unsupported_dtypes_are_refused(tmp_path, array):
    with pytest.raises(ValueError, match="uint8, int8, int16, int32, float32, float64"):
        write_idx(tmp_path / "a", array)
    assert not list(tmp_path.iterdir())


def test_oversized_dimension_is_refused(tmp_path):
    array = np.broadcast_to(np.uint8(0), (2**32,))
    with pytest.raises(ValueError, match="4294967295"):
        write_idx(tmp_path / "a", array)


def test_failed_write_keeps_the_existing_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_idx(path, np.uint8([1]))

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_idx(path, np.uint8([2, 3]))
    assert list(tmp_path.iterdir()) == [path]
    assert read_idx(path) == [1]


def test_write_replaces_existing_file_and_refuses_missing_folder(tmp_path):
    write_idx(str(tmp_path / "a"), np.uint8([1]))
    write_idx(tmp_path / "a", np.uint8([2]))
    assert read_idx(str(tmp_path / "a")) == [2]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_idx(tmp_path / "nowhere" / "a", np.uint8([1]))

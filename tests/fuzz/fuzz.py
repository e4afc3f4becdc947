"""Fuzz what reads files and text from anywhere, guided by coverage; run by hand.

``pip install atheris``, then ``python tests/fuzz/fuzz.py load -max_total_time=300``.
Targets: read_idx, load, parse_grid. Other arguments are libFuzzer's. An input that
breaks a promise ends the run and is kept in the working directory.
"""

import gzip
import hashlib
import io
import os
import struct
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["skmnist", "skops", "zipfile", "gzip"]):
    import numpy as np

    from skmnist.datasets import read_idx
    from skmnist.persistence import load, save

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
FILE = FOLDER / "input"
MEMBERS = {}


def fuzz_read_idx(data):
    FILE.write_bytes(data)
    try:
        array = read_idx(FILE)
    except ValueError as error:
        assert str(FILE) in str(error)
    else:
        # Deflate's limit: no more comes out than a file of this size can hold.
        assert array.nbytes <= 1032 * len(data)


def fuzz_load(data):
    """Put the data into one member of a good file, and the checksum right again."""
    if len(data) > 1 and data[0] % 4:
        names = sorted(MEMBERS)
        name = names[data[1] % len(names)]
        data = signed(archive(MEMBERS | {name: spliced(MEMBERS[name], data[2:])}))
    elif data:
        data = signed(data[1:])
    FILE.write_bytes(data)
    try:
        loaded = load(FILE)
    except ValueError as error:
        assert str(error).startswith(f"Cannot load {FILE}")
    else:
        loaded.predict(np.zeros((1, 4), np.float32))
    assert os.listdir(FOLDER) == ["input"]


def spliced(content, data):
    """Overwrite a piece of the content, or take the data alone."""
    if len(data) < 4:
        return content
    position, cut = struct.unpack("<HH", data[:4])
    position %= len(content)
    return content[:position] + data[4:] + content[position + cut % 64 :]


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def signed(content):
    line = b"skmnist 0.1.0 format 1 sha256 "
    return line + hashlib.sha256(line + content).hexdigest().encode() + b"\n" + content


def good_members():
    """Save a small classifier and return the members of its archive."""
    from skmnist import KerasMLPClassifier

    rng = np.random.default_rng(0)
    clf = KerasMLPClassifier(hidden_layer_sizes=(2,), epochs=1, random_state=0)
    save(clf.fit(rng.random((8, 4), np.float32), np.arange(8) % 2), FILE)
    content = FILE.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content[content.index(b"\n") + 1 :])) as file:
        return {name: file.read(name) for name in file.namelist()}


def fuzz_parse_grid(data):
    from skmnist.cli._grid import parse_grid

    items = data.decode("utf-8", "surrogateescape").split("\n")
    try:
        grid = parse_grid(items)
    except ValueError as error:
        assert str(error)
    else:
        assert all(isinstance(values, list) and values for values in grid.values())


def idx_seeds():
    array = np.arange(6, dtype=">i2").tobytes()
    whole = bytes([0, 0, 0x0B, 2]) + struct.pack(">II", 2, 3) + array
    terabytes = bytes([0, 0, 0x0E, 3]) + struct.pack(">III", *[2**32 - 1] * 3)
    return [whole, gzip.compress(whole), terabytes, whole[:6]]


def main():
    """Run one target."""
    if len(sys.argv) < 2 or f"fuzz_{sys.argv[1]}" not in globals():
        sys.exit(__doc__)
    target = sys.argv.pop(1)
    if target == "parse_grid":
        try:
            with atheris.instrument_imports(include=["skmnist"]):
                import skmnist.cli._grid  # noqa: F401
        except ImportError:
            sys.exit("There is no skmnist.cli._grid here.")
    warnings.simplefilter("ignore")
    seeds = {
        "read_idx": idx_seeds,
        "load": lambda: [b"\1\0\0\0\0\0x", b"\0" + archive(MEMBERS)],
        "parse_grid": lambda: [b"epochs=1,2\nmlp__dropout=0.1,0.5", b"a=(1,2),none"],
    }
    if target == "load":
        MEMBERS.update(good_members())
    corpus = tempfile.mkdtemp(prefix="corpus-")
    for i, seed in enumerate(seeds[target]()):
        (Path(corpus) / str(i)).write_bytes(seed)
    atheris.Setup([*sys.argv, corpus], globals()[f"fuzz_{target}"])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Fuzz what reads files and text from anywhere, guided by coverage; run by hand.

``pip install atheris``, then ``python tests/fuzz/fuzz.py load -max_total_time=300``.
Targets: read_idx, load, parse_grid. Other arguments are libFuzzer's. An input that
breaks a promise ends the run and is kept in the working directory.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import struct
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import atheris
from sklearn.exceptions import NotFittedError

with atheris.instrument_imports(include=["skmnist", "skops", "zipfile", "gzip"]):
    import numpy as np
    import skops.io  # noqa: F401  loaded late by what is fuzzed

    import skmnist.persistence._state  # noqa: F401  the same
    from skmnist.datasets import read_idx
    from skmnist.persistence import load, save

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
FILE = FOLDER / "input"
MEMBERS = {}
LEAVES = [
    *("null", "true", "0", "-1", "1e999", "NaN", "1.5", "4294967296", "9" * 30),
    *('""', '"adam"', '"float64"', '"object"', "[]", "[0]", "[[]]", "{}", '{"a": 1}'),
]


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
    """Change a good file in one of three ways, and put its checksum right again."""
    provider = atheris.FuzzedDataProvider(data)
    way = provider.ConsumeIntInRange(0, 3)
    if way == 0:
        data = signed(provider.ConsumeBytes(1 << 20))
    elif way == 1:
        name = provider.PickValueInList(sorted(MEMBERS))
        content = spliced(MEMBERS[name], provider)
        data = signed(archive(MEMBERS | {name: content}))
    else:
        schema = json.loads(MEMBERS["schema.json"])
        for _ in range(provider.ConsumeIntInRange(1, 3)):
            regrow(schema, provider)
        content = json.dumps(schema).encode()
        data = signed(archive(MEMBERS | {"schema.json": content}))
    FILE.write_bytes(data)
    try:
        loaded = load(FILE)
    except ValueError as error:
        assert str(error).startswith(f"Cannot load {FILE}")
    else:
        with contextlib.suppress(NotFittedError):  # all of the fit may be gone
            loaded.predict(np.zeros((1, 4), np.float32))
    assert os.listdir(FOLDER) == ["input"]


def spliced(content, provider):
    """Overwrite a piece of the content."""
    position = provider.ConsumeIntInRange(0, len(content))
    cut = provider.ConsumeIntInRange(0, 64)
    piece = provider.ConsumeBytes(1 << 16)
    return content[:position] + piece + content[position + cut :]


def regrow(tree, provider):
    """Replace, copy or remove one branch of a tree of JSON, in place."""
    branches = list(holders(tree))
    holder, key = provider.PickValueInList(branches)
    way = provider.ConsumeIntInRange(0, 9)
    if way == 0:
        del holder[key]
    elif way < 4:
        other, other_key = provider.PickValueInList(branches)
        # A copy, so that the tree stays one.
        holder[key] = json.loads(json.dumps(other[other_key]))
    elif way < 6:
        holder[key] = {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": provider.PickValueInList(LEAVES),
            "is_json": True,
        }
    elif way < 8:
        holder[key] = json.loads(provider.PickValueInList(LEAVES))
    else:
        holder[key] = provider.ConsumeUnicodeNoSurrogates(20)


def holders(tree):
    """Yield each list or dict in a tree with each of its keys."""
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from holders(tree[key])


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
        "load": lambda: [os.urandom(64) for _ in range(20)],
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

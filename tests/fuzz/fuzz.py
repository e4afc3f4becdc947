"""Coverage-guided fuzzing of the readers of untrusted input; run manually.

``pip install atheris``, then ``python tests/fuzz/fuzz.py load -max_total_time=300``.
Targets: read_idx, load, parse_grid. Other arguments are passed to libFuzzer. An input
that violates an assertion ends the run and is saved in the working directory.
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
    import skops.io  # noqa: F401  imported lazily by the targets

    import skmnist.persistence._state  # noqa: F401  imported lazily by the targets
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
    """Check that any bytes give an array or a ValueError with the path."""
    FILE.write_bytes(data)
    try:
        array = read_idx(FILE)
    except ValueError as error:
        assert str(FILE) in str(error)
    else:
        # Largest compression ratio of deflate.
        assert array.nbytes <= 1032 * len(data)


def fuzz_load(data):
    """Check that a mutated file with a valid checksum is loaded or refused.

    The mutation is random bytes, a member with bytes replaced, or a changed schema. No
    other file may be created.
    """
    provider = atheris.FuzzedDataProvider(data)
    mutation = provider.ConsumeIntInRange(0, 3)
    if mutation == 0:
        data = add_checksum(provider.ConsumeBytes(1 << 20))
    elif mutation == 1:
        name = provider.PickValueInList(sorted(MEMBERS))
        content = replace_bytes(MEMBERS[name], provider)
        data = add_checksum(make_archive(MEMBERS | {name: content}))
    else:
        schema = json.loads(MEMBERS["schema.json"])
        for _ in range(provider.ConsumeIntInRange(1, 3)):
            mutate_json(schema, provider)
        content = json.dumps(schema).encode()
        data = add_checksum(make_archive(MEMBERS | {"schema.json": content}))
    FILE.write_bytes(data)
    try:
        loaded = load(FILE)
    except ValueError as error:
        assert str(error).startswith(f"Cannot load {FILE}")
    else:
        with contextlib.suppress(NotFittedError):  # fitted attributes may be lost
            loaded.predict(np.zeros((1, 4), np.float32))
    assert os.listdir(FOLDER) == ["input"]


def replace_bytes(content, provider):
    """Replace up to 64 bytes of the content with other bytes."""
    position = provider.ConsumeIntInRange(0, len(content))
    cut = provider.ConsumeIntInRange(0, 64)
    piece = provider.ConsumeBytes(1 << 16)
    return content[:position] + piece + content[position + cut :]


def mutate_json(tree, provider):
    """Replace, copy or remove one branch of a JSON tree in place."""
    branches = list(iter_branches(tree))
    parent, key = provider.PickValueInList(branches)
    mutation = provider.ConsumeIntInRange(0, 9)
    if mutation == 0:
        del parent[key]
    elif mutation < 4:
        other, other_key = provider.PickValueInList(branches)
        # A deep copy, because a branch inserted into itself would form a cycle.
        parent[key] = json.loads(json.dumps(other[other_key]))
    elif mutation < 6:
        parent[key] = {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": provider.PickValueInList(LEAVES),
            "is_json": True,
        }
    elif mutation < 8:
        parent[key] = json.loads(provider.PickValueInList(LEAVES))
    else:
        parent[key] = provider.ConsumeUnicodeNoSurrogates(20)


def iter_branches(tree):
    """Yield ``(parent, key)`` for each entry of each list or dict in a JSON tree."""
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from iter_branches(tree[key])


def make_archive(members):
    """Return the bytes of a zip archive of the members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def add_checksum(content):
    """Prepend the header line with a valid checksum to an archive."""
    line = b"skmnist 0.1.0 format 2 sha256 "
    return line + hashlib.sha256(line + content).hexdigest().encode() + b"\n" + content


def valid_members():
    """Save a small classifier and return the members of the archive."""
    from skmnist import KerasMLPClassifier

    rng = np.random.default_rng(0)
    clf = KerasMLPClassifier(hidden_layer_sizes=(2,), epochs=1, random_state=0)
    save(clf.fit(rng.random((8, 4), np.float32), np.arange(8) % 2), FILE)
    content = FILE.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content[content.index(b"\n") + 1 :])) as file:
        return {name: file.read(name) for name in file.namelist()}


def fuzz_parse_grid(data):
    """Check that any text gives lists of values or a ValueError with a message."""
    from skmnist.cli._grid import parse_grid

    items = data.decode("utf-8", "surrogateescape").split("\n")
    try:
        grid = parse_grid(items)
    except ValueError as error:
        assert str(error)
    else:
        assert all(isinstance(values, list) and values for values in grid.values())


def idx_seeds():
    """Return a valid, a gzipped, an oversized and a truncated IDX file."""
    array = np.arange(6, dtype=">i2").tobytes()
    valid = bytes([0, 0, 0x0B, 2]) + struct.pack(">II", 2, 3) + array
    oversized = bytes([0, 0, 0x0E, 3]) + struct.pack(">III", *[2**32 - 1] * 3)
    return [valid, gzip.compress(valid), oversized, valid[:6]]


def main():
    """Run the target named by the first command line argument."""
    if len(sys.argv) < 2 or f"fuzz_{sys.argv[1]}" not in globals():
        sys.exit(__doc__)
    target = sys.argv.pop(1)
    if target == "parse_grid":
        try:
            with atheris.instrument_imports(include=["skmnist"]):
                import skmnist.cli._grid  # noqa: F401
        except ImportError:
            sys.exit("skmnist.cli._grid cannot be imported.")
    warnings.simplefilter("ignore")
    seeds = {
        "read_idx": idx_seeds,
        "load": lambda: [os.urandom(64) for _ in range(20)],
        "parse_grid": lambda: [b"epochs=1,2\nmlp__dropout=0.1,0.5", b"a=(1,2),none"],
    }
    if target == "load":
        MEMBERS.update(valid_members())
    corpus = tempfile.mkdtemp(prefix="corpus-")
    for i, seed in enumerate(seeds[target]()):
        (Path(corpus) / str(i)).write_bytes(seed)
    atheris.Setup([*sys.argv, corpus], globals()[f"fuzz_{target}"])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Files that `save` did not write, or that were modified since, are rejected."""

import contextlib
import hashlib
import io
import json
import os
import pickle
import re
import struct
import tracemalloc
import warnings
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmnist import KerasImageClassifier, KerasMLPClassifier, load, save


def build_custom(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def valid_files(tmp_path_factory):
    """Contents of two valid files: a user-defined network, and an MLP."""
    rng = np.random.default_rng(0)
    X, y = rng.random((20, 9), np.float32), np.arange(20) % 2
    files = []
    for final in (
        KerasImageClassifier(build_custom, epochs=1, random_state=0),
        KerasMLPClassifier(hidden_layer_sizes=(3,), epochs=1, random_state=0),
    ):
        path = tmp_path_factory.mktemp("valid") / "model"
        save(make_pipeline(StandardScaler(), final).fit(X, y), path)
        files.append(path.read_bytes())
    return files


def unwrap(data):
    """Return the archive members of a file by name."""
    with zipfile.ZipFile(io.BytesIO(data[data.index(b"\n") + 1 :])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sign(archive, number=2):
    """Return an archive preceded by a header with the correct checksum."""
    line = f"skmnist 0.1.0 format {number} sha256 ".encode()
    return line + hashlib.sha256(line + archive).hexdigest().encode() + b"\n" + archive


def wrap(members, compression=zipfile.ZIP_STORED):
    """Return a file of the given members, with a correct header and checksum."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sign(buffer.getvalue())


def with_schema(data, change):
    """Return a file with a modified schema."""
    members = unwrap(data)
    schema = json.loads(members["schema.json"])
    members["schema.json"] = json.dumps(change(schema) or schema)
    return wrap(members)


def replaced(data, old, new):
    """Return a file in whose schema every occurrence of a text is replaced."""
    members = unwrap(data)
    schema = members["schema.json"].decode()
    assert old in schema
    members["schema.json"] = schema.replace(old, new)
    return wrap(members)


def nodes(tree, key):
    """Yield the values of a key at any depth of a tree."""
    if isinstance(tree, dict):
        if key in tree:
            yield tree[key]
        for value in tree.values():
            yield from nodes(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value, key)


def leaf(value):
    """Return a schema node that holds a JSON value."""
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }


def set_leaf(data, key, value):
    """Return a file in which the values of a key are replaced by a JSON value."""

    def change(schema):
        for holder in list(holders(schema, key)):
            holder[key] = leaf(value)

    return with_schema(data, change)


def holders(tree, key):
    """Yield the dicts in a tree whose value of a key is a node."""
    if isinstance(tree, dict):
        if isinstance(tree.get(key), dict):
            yield tree
        for value in tree.values():
            yield from holders(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from holders(value, key)


def with_array(data, key, change):
    """Return a file in which the first array under a key is modified."""
    members = unwrap(data)
    (node,) = list(nodes(json.loads(members["schema.json"]), key))[:1]
    name = next(nodes(node, "file"))
    buffer = io.BytesIO()
    np.save(buffer, change(np.load(io.BytesIO(members[name]))))
    members[name] = buffer.getvalue()
    return wrap(members)


def with_config(data, change):
    """Return a file with a modified Keras configuration of the network."""

    def in_schema(schema):
        for holder in holders(schema, "architecture"):
            config = json.loads(json.loads(holder["architecture"]["content"]))
            holder["architecture"] = leaf(json.dumps(change(config) or config))

    return with_schema(data, in_schema)


def second_layer(**fields):
    """Return a function that updates the configuration of the second layer."""

    def change(config):
        config["config"]["layers"][2] |= fields

    return change


def second_config(**fields):
    """Return a function that updates the arguments of the second layer."""

    def change(config):
        config["config"]["layers"][2]["config"] |= fields

    return change


LAMBDA = {
    "class_name": "__lambda__",
    "config": {"value": ["4wAAAA==", None, None]},
}
DISALLOWED = {
    "a Lambda layer": second_layer(
        class_name="Lambda",
        config={"name": "x", "function": LAMBDA, "arguments": {}},
    ),
    "a lambda as activation": second_config(activation=LAMBDA),
    "a layer that unpickles": second_layer(
        class_name="TorchModuleWrapper", config={"module": "gASVAAAA"}
    ),
    "a layer that runs a SavedModel": second_layer(
        class_name="TFSMLayer", config={"filepath": "/tmp/x"}
    ),
    "a layer that reads a file": second_layer(
        class_name="StringLookup", config={"vocabulary": "/etc/passwd"}
    ),
    "a layer that calls functions": second_layer(class_name="JaxLayer"),
    "a module outside Keras": second_layer(module="os", class_name="system"),
    "a module whose name starts like Keras": second_layer(module="keras_evil.layers"),
    "a private module of Keras": second_layer(module="keras.src.layers"),
    "a function that downloads": second_config(
        activation={
            "module": "keras.utils",
            "class_name": "function",
            "config": "get_file",
            "registered_name": "function",
        }
    ),
    "a Python builtin": second_config(
        activation={
            "module": "builtins",
            "class_name": "function",
            "config": "eval",
            "registered_name": "function",
        }
    ),
    "a registered class": second_layer(registered_name="package>Dense"),
    "a layer in the legacy format": second_layer(module=None),
    "a loss in place of a layer": second_layer(
        module="keras.losses", class_name="MeanSquaredError", config={}
    ),
    "a compiled network": lambda config: config | {"compile_config": {"loss": "mse"}},
    "a giant layer": second_config(units=10**12),
    "a layer of another size": second_config(units=5),
    "a layer of negative size": second_config(units=-1),
    "a layer with giant outputs": lambda config: config["config"]["layers"].insert(
        2,
        {
            "module": "keras.layers",
            "class_name": "RepeatVector",
            "config": {"n": 10**9},
            "registered_name": None,
        },
    ),
    "a loss in place of the network": lambda config: {
        "module": "keras.losses",
        "class_name": "Poisson",
        "config": {},
        "registered_name": None,
    },
    "a network for other images": lambda config: config["config"]["layers"][0][
        "config"
    ].update(batch_shape=[None, 5, 5, 1]),
    "thousands of layers": lambda config: config["config"]["layers"].extend(
        config["config"]["layers"][2:3] * 6000
    ),
}


class Attack:
    """Creates a directory when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def assert_rejected(data, tmp_path, match=None):
    """Check that loading raises an error with the path, and creates no files."""
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises((ValueError, OSError), match=match) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_helpers_keep_valid_files_valid(valid_files, tmp_path):
    path = tmp_path / "model"
    for data in valid_files:
        for same in (data, wrap(unwrap(data)), with_schema(data, lambda schema: None)):
            path.write_bytes(same)
            assert load(path)[-1].classes_.tolist() == [0, 1]
    path.write_bytes(with_config(valid_files[0], lambda config: None))
    assert load(path)[-1].classes_.tolist() == [0, 1]


@pytest.mark.parametrize("name", DISALLOWED)
def test_disallowed_network_configuration_is_rejected(name, valid_files, tmp_path):
    assert_rejected(with_config(valid_files[0], DISALLOWED[name]), tmp_path)


def test_pickles_are_never_loaded(valid_files, tmp_path):
    attack = pickle.dumps(Attack(str(tmp_path / "executed")))
    assert_rejected(attack, tmp_path, "not written by skmnist.save")
    assert_rejected(sign(attack), tmp_path)
    members = unwrap(valid_files[1])
    array = next(name for name in members if name.endswith(".npy"))
    assert_rejected(wrap(members | {array: attack}), tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Attack(str(tmp_path / "executed"))]))
    assert_rejected(
        wrap(members | {array: buffer.getvalue()}), tmp_path, "dtype object"
    )
    assert_rejected(
        wrap(members | {"model.pkl": attack}), tmp_path, "unexpected member"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sklearn.preprocessing._data", "os"),
        ("sklearn.preprocessing._data", "antigravity"),
        ('"StandardScaler"', '"nothing"'),
        ("sklearn.preprocessing._data", "sklearn.svm._classes"),
        ("skmnist.classifiers", "skmnist.cli"),
        ('"ObjectNode"', '"MethodNode"'),
        ('"ObjectNode"', '"OperatorFuncNode"'),
        ('"ObjectNode"', '"ConstructorFromReduceNode"'),
        ('"ListNode"', '"PartialNode"'),
        ('"NdArrayNode"', '"SparseMatrixNode"'),
        ('"ndarray"', '"void"'),
        ('"TupleNode"', '"nothing"'),
        ('"protocol": 2', '"protocol": 0'),
        ('"protocol": 2', '"protocol": 99'),
        ('"protocol": 2', '"protocol": true'),
        ('"StandardScaler"', "NaN"),
        ('"mean_"', '"median_"'),
        ('"steps"', '"step"'),
        ('"mean_"', '"transform"'),
        ('"mean_"', '"__class__"'),
    ],
)
def test_unknown_types_and_nodes_are_rejected(valid_files, tmp_path, old, new):
    assert_rejected(replaced(valid_files[0], old, new), tmp_path)


def test_pipeline_memory_is_rejected(valid_files, tmp_path):
    assert_rejected(
        set_leaf(valid_files[0], "memory", "/tmp/cache"), tmp_path, "memory=None"
    )


def test_untrusted_functions_are_rejected(tmp_path):
    path = tmp_path / "model"
    save(FunctionTransformer(np.exp).fit([[1.0]]), path)
    data = path.read_bytes()
    for name in ("load", "fromfile", "exp2.__class__", "save"):
        assert_rejected(replaced(data, '"exp"', f'"{name}"'), tmp_path, "not trusted")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dtype", "float8"),
        ("dtype", None),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", "1"),
        ("rms", float("nan")),
        ("rms", "1"),
        ("history", {"loss": [1.0], "accuracy": []}),
        ("history", {"loss": ["x"]}),
        ("history", [1]),
        ("image_shape", [3, 3, 1]),
        ("image_shape", 9),
        ("sample_shape", {}),
        ("n_samples", 0),
        ("n_samples", True),
        ("X_dtype", "object"),
        ("classes", [0, 1]),
        ("classes", None),
        ("weights", []),
        ("weights", None),
        ("optimizer_state", []),
        ("optimizer", "no such"),
        ("optimizer", 3),
        ("loss", 3),
        ("learning_rate", float("inf")),
        ("builder", "build_mlp.__globals__"),
        ("builder", ["build_mlp"]),
        ("builder_params", {"hidden_layer_sizes": [10**9]}),
        ("builder_params", {"hidden_layer_sizes": [3] * 100_000}),
        ("builder_params", {"path": "x"}),
        ("feature_names", ["a"]),
        ("validation_indices", [0.5]),
        ("fitted", {}),
        ("fitted", 3),
        ("params", {"no such": 1}),
        ("params", None),
        ("others", {"predict": 1}),
        ("others", {"_training": 1}),
        ("class", "Other"),
        ("estimator", 5),
        ("versions", None),
    ],
)
def test_inconsistent_state_is_rejected(valid_files, tmp_path, key, value):
    if key == "versions":
        data = replaced(valid_files[1], '"versions"', '"version"')
    else:
        data = set_leaf(valid_files[1], key, value)
    assert_rejected(data, tmp_path)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("weights", lambda w: w.T),
        ("weights", lambda w: w[:-1]),
        ("weights", lambda w: w.astype(np.float64)),
        ("weights", lambda w: w.astype("S4")),
        ("weights", lambda w: w * np.float32(np.nan)),
        ("weights", lambda w: w / np.float32(0) if w.size else w),
        ("optimizer_state", lambda w: w[None]),
        ("optimizer_state", lambda w: w.astype(np.float32)),
        ("classes", lambda c: c[::-1]),
        ("classes", lambda c: c[[0, 0]]),
        ("classes", lambda c: c[:1]),
        ("classes", lambda c: np.arange(3)),
        ("classes", lambda c: c.reshape(2, 1)),
        ("classes", lambda c: c + np.array([0.0, np.nan])),
        ("validation_indices", lambda v: v.astype(float)),
        ("validation_indices", lambda v: np.zeros((1, 1), int)),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_invalid_arrays_are_rejected(valid_files, tmp_path, key, change):
    assert_rejected(with_array(valid_files[1], key, change), tmp_path)


def test_path_traversal_and_duplicate_members_are_rejected(valid_files, tmp_path):
    members = unwrap(valid_files[1])
    for name in ("../outside.txt", "/tmp/outside.txt", "a/b.npy", "c:x.npy"):
        assert_rejected(wrap(members | {name: b"x"}), tmp_path)
    assert_rejected(replaced(valid_files[1], ".npy", ".np"), tmp_path)
    assert_rejected(
        replaced(valid_files[1], '"file": "', '"file": "../../../../../etc/passwd'),
        tmp_path,
    )
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # zipfile warns of duplicate names
        for name in (*members, "schema.json"):
            archive.writestr(name, members[name])
    assert_rejected(sign(buffer.getvalue()), tmp_path, "duplicate member")


def test_bombs_use_bounded_memory(valid_files, tmp_path):
    members = unwrap(valid_files[1])
    array = next(name for name, content in members.items() if b"(9, 3)" in content)
    giant = members[array].replace(b"(9, 3), }" + b" " * 8, b"(900000000, 3), }")
    bombs = {
        "zip": wrap(members | {array: bytes(50_000_000)}, zipfile.ZIP_DEFLATED),
        "npy": wrap(members | {array: giant}),
        "deep": wrap(members | {"schema.json": "[" * 100_000 + "]" * 100_000}),
        "deeper": wrap(
            members | {"schema.json": '{"a":' * 50_000 + "1" + "}" * 50_000}
        ),
        "digits": replaced(
            valid_files[1], '"protocol": 2', f'"protocol": {"9" * 100_000}'
        ),
    }
    # Many nodes that read one array. The directory entry below declares 4 GB.
    for key in ("weights", "optimizer_state"):
        bombs[key] = with_schema(
            valid_files[1], lambda schema, key=key: repeat(schema, key)
        )
    data = bytearray(wrap(members)[len(sign(b"")) :])
    first = data.index(b"PK\1\2")
    sizes = struct.pack("<II", 4_000_000_000, 4_000_000_000)
    data[first + 20 : first + 28] = sizes
    bombs["directory"] = sign(bytes(data))
    # In format 1, import paths are replaced before the schema is checked.
    prefix = len(sign(b""))
    bombs |= {f"{n}, format 1": sign(b[prefix:], 1) for n, b in bombs.items()}
    for name, bomb in bombs.items():
        (tmp_path / name).mkdir()
        tracemalloc.start()
        assert_rejected(bomb, tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20_000_000 + 40 * len(bomb), name


def repeat(schema, key):
    """Make 1,000 nodes that read the first array in the list under a key."""
    node = next(nodes(schema, key))
    node["content"] = [node["content"][0] | {"__id__": i} for i in range(1000)]


def test_directories_fifos_and_devices_are_rejected(tmp_path):
    with pytest.raises(OSError, match="directory"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero"):
        with pytest.raises(OSError, match="not a regular file"):
            load(path)


def test_newer_and_foreign_files_are_rejected(valid_files, tmp_path):
    newer = valid_files[1].replace(b" format 2 ", b" format 3 ", 1)
    assert_rejected(
        newer, tmp_path, r"format 3, written by skmnist 0\.1\.0.*upgrade skmnist"
    )
    for foreign in (b"", b"PK", valid_files[1][1:], b"\x89HDF\r\n\x1a\n", b"skmnist\n"):
        assert_rejected(foreign, tmp_path, "not written by skmnist.save")
    import skops.io

    assert_rejected(
        sign(skops.io.dumps({"a": 1})), tmp_path, "not written by skmnist.save"
    )
    assert_rejected(skops.io.dumps(LogisticRegression()), tmp_path, "not written by")


def test_truncated_file_is_rejected(valid_files, tmp_path):
    data = valid_files[0]
    for length in [*range(0, 120, 7), *range(120, len(data), len(data) // 40)]:
        assert_rejected(data[:length], tmp_path)
    assert_rejected(data + b"x", tmp_path, "damaged")


def test_flipped_bits_are_rejected(valid_files, tmp_path):
    data = valid_files[0]
    rng = np.random.default_rng(0)
    for position in [*range(110), *rng.integers(110, len(data), 200)]:
        changed = bytearray(data)
        changed[position] ^= 1 << int(rng.integers(8))
        assert_rejected(bytes(changed), tmp_path)


@pytest.mark.filterwarnings("ignore:X has a root mean square:UserWarning")
# NumPy's, where scikit-learn's own scaler divides by a forged scale.
@pytest.mark.filterwarnings("ignore::RuntimeWarning:sklearn")
@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_modified_archive_loads_or_is_rejected(valid_files, tmp_path, data):
    """The checksum is corrected, so that the checks behind it are tested."""
    members = unwrap(valid_files[data.draw(st.integers(0, 1))])
    name = data.draw(st.sampled_from(sorted(members)))
    content = bytearray(members[name])
    edit = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for position, value in data.draw(st.lists(edit, min_size=1, max_size=3)):
        content[position] = value
    path = tmp_path / "model"
    path.write_bytes(wrap(members | {name: bytes(content)}))
    try:
        loaded = load(path)
    except (ValueError, OSError) as error:
        assert re.search(r"Cannot load .*model", str(error))  # noqa: PT017
    else:
        with contextlib.suppress(ValueError):  # scikit-learn checks its own scaler
            loaded.predict(np.zeros((2, 9), np.float32))

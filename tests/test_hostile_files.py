"""Files that `save` did not write, or that were changed since: all are refused."""

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


def build_own(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of two files: a network of the user's own, and an MLP."""
    rng = np.random.default_rng(0)
    X, y = rng.random((20, 9), np.float32), np.arange(20) % 2
    files = []
    for final in (
        KerasImageClassifier(build_own, epochs=1, random_state=0),
        KerasMLPClassifier(hidden_layer_sizes=(3,), epochs=1, random_state=0),
    ):
        path = tmp_path_factory.mktemp("good") / "model"
        save(make_pipeline(StandardScaler(), final).fit(X, y), path)
        files.append(path.read_bytes())
    return files


def unwrap(data):
    """Return the members of a file's archive."""
    with zipfile.ZipFile(io.BytesIO(data[data.index(b"\n") + 1 :])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sign(archive, number=2):
    """Put the first line, with the right checksum, in front of an archive."""
    line = f"skmnist 0.1.0 format {number} sha256 ".encode()
    return line + hashlib.sha256(line + archive).hexdigest().encode() + b"\n" + archive


def wrap(members, compression=zipfile.ZIP_STORED):
    """Make a file of members that is right but for what they hold."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sign(buffer.getvalue())


def with_schema(data, change):
    """Change the tree of nodes in a file."""
    members = unwrap(data)
    schema = json.loads(members["schema.json"])
    members["schema.json"] = json.dumps(change(schema) or schema)
    return wrap(members)


def replaced(data, old, new):
    """Replace text in the tree of nodes, all of it."""
    members = unwrap(data)
    schema = members["schema.json"].decode()
    assert old in schema
    members["schema.json"] = schema.replace(old, new)
    return wrap(members)


def nodes(tree, key):
    """Yield the nodes that a tree has under a key, at any depth."""
    if isinstance(tree, dict):
        if key in tree:
            yield tree[key]
        for value in tree.values():
            yield from nodes(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value, key)


def leaf(value):
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }


def set_leaf(data, key, value):
    """Replace what a classifier's state has under a key by plain data."""

    def change(schema):
        for holder in list(holders(schema, key)):
            holder[key] = leaf(value)

    return with_schema(data, change)


def holders(tree, key):
    if isinstance(tree, dict):
        if isinstance(tree.get(key), dict):
            yield tree
        for value in tree.values():
            yield from holders(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from holders(value, key)


def with_array(data, key, change):
    """Change the first array under a key; other bytes stay."""
    members = unwrap(data)
    (node,) = list(nodes(json.loads(members["schema.json"]), key))[:1]
    name = next(nodes(node, "file"))
    buffer = io.BytesIO()
    np.save(buffer, change(np.load(io.BytesIO(members[name]))))
    members[name] = buffer.getvalue()
    return wrap(members)


def with_config(data, change):
    """Change the Keras configuration of a network."""

    def in_schema(schema):
        for holder in holders(schema, "architecture"):
            config = json.loads(json.loads(holder["architecture"]["content"]))
            holder["architecture"] = leaf(json.dumps(change(config) or config))

    return with_schema(data, in_schema)


def second_layer(**fields):
    """Return a change that gives a network's second layer other fields."""

    def change(config):
        config["config"]["layers"][2] |= fields

    return change


def second_config(**fields):
    def change(config):
        config["config"]["layers"][2]["config"] |= fields

    return change


LAMBDA = {
    "class_name": "__lambda__",
    "config": {"value": ["4wAAAA==", None, None]},
}
GADGETS = {
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
    "a module that only begins like Keras": second_layer(module="keras_evil.layers"),
    "a private module of Keras": second_layer(module="keras.src.layers"),
    "a function that downloads": second_config(
        activation={
            "module": "keras.utils",
            "class_name": "function",
            "config": "get_file",
            "registered_name": "function",
        }
    ),
    "a function of Python's": second_config(
        activation={
            "module": "builtins",
            "class_name": "function",
            "config": "eval",
            "registered_name": "function",
        }
    ),
    "a registered class": second_layer(registered_name="package>Dense"),
    "a layer in the format of old": second_layer(module=None),
    "a loss in place of a layer": second_layer(
        module="keras.losses", class_name="MeanSquaredError", config={}
    ),
    "a compiled network": lambda config: config | {"compile_config": {"loss": "mse"}},
    "a giant layer": second_config(units=10**12),
    "a layer of another size": second_config(units=5),
    "a layer with no size": second_config(units=-1),
    "a layer with giant outputs": lambda config: config["config"]["layers"].insert(
        2,
        {
            "module": "keras.layers",
            "class_name": "RepeatVector",
            "config": {"n": 10**9},
            "registered_name": None,
        },
    ),
    "no network": lambda config: {
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
    """Leaves a file behind when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def refused(data, tmp_path, match=None):
    """Check that a file is refused in one sentence, with no trace left."""
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises((ValueError, OSError), match=match) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_the_helpers_keep_a_good_file_good(good, tmp_path):
    path = tmp_path / "model"
    for data in good:
        for same in (data, wrap(unwrap(data)), with_schema(data, lambda schema: None)):
            path.write_bytes(same)
            assert load(path)[-1].classes_.tolist() == [0, 1]
    path.write_bytes(with_config(good[0], lambda config: None))
    assert load(path)[-1].classes_.tolist() == [0, 1]


@pytest.mark.parametrize("name", GADGETS)
def test_a_network_that_is_more_than_data_is_refused(name, good, tmp_path):
    refused(with_config(good[0], GADGETS[name]), tmp_path)


def test_pickles_are_not_even_looked_at(good, tmp_path):
    attack = pickle.dumps(Attack(str(tmp_path / "executed")))
    refused(attack, tmp_path, "not written by skmnist.save")
    refused(sign(attack), tmp_path)
    members = unwrap(good[1])
    array = next(name for name in members if name.endswith(".npy"))
    refused(wrap(members | {array: attack}), tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Attack(str(tmp_path / "executed"))]))
    refused(wrap(members | {array: buffer.getvalue()}), tmp_path, "dtype object")
    refused(wrap(members | {"model.pkl": attack}), tmp_path, "has the member")


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
def test_types_and_nodes_that_are_not_known_are_refused(good, tmp_path, old, new):
    refused(replaced(good[0], old, new), tmp_path)


def test_a_folder_for_a_cache_of_code_is_refused(good, tmp_path):
    refused(set_leaf(good[0], "memory", "/tmp/cache"), tmp_path, "memory=None")


def test_another_function_is_refused(tmp_path):
    path = tmp_path / "model"
    save(FunctionTransformer(np.exp).fit([[1.0]]), path)
    data = path.read_bytes()
    for name in ("load", "fromfile", "exp2.__class__", "save"):
        refused(replaced(data, '"exp"', f'"{name}"'), tmp_path, "not trusted")


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
def test_what_does_not_fit_together_is_refused(good, tmp_path, key, value):
    if key == "versions":
        data = replaced(good[1], '"versions"', '"version"')
    else:
        data = set_leaf(good[1], key, value)
    refused(data, tmp_path)


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
def test_arrays_of_another_shape_or_kind_are_refused(good, tmp_path, key, change):
    refused(with_array(good[1], key, change), tmp_path)


def test_names_that_lead_outside_and_doubles_are_refused(good, tmp_path):
    members = unwrap(good[1])
    for name in ("../outside.txt", "/tmp/outside.txt", "a/b.npy", "c:x.npy"):
        refused(wrap(members | {name: b"x"}), tmp_path)
    refused(replaced(good[1], ".npy", ".np"), tmp_path)
    refused(
        replaced(good[1], '"file": "', '"file": "../../../../../etc/passwd'), tmp_path
    )
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # zipfile's, of a double name
        for name in (*members, "schema.json"):
            archive.writestr(name, members[name])
    refused(sign(buffer.getvalue()), tmp_path, "twice")


def test_bombs_take_no_memory(good, tmp_path):
    members = unwrap(good[1])
    array = next(name for name, content in members.items() if b"(9, 3)" in content)
    giant = members[array].replace(b"(9, 3), }" + b" " * 8, b"(900000000, 3), }")
    bombs = {
        "zip": wrap(members | {array: bytes(50_000_000)}, zipfile.ZIP_DEFLATED),
        "npy": wrap(members | {array: giant}),
        "deep": wrap(members | {"schema.json": "[" * 100_000 + "]" * 100_000}),
        "deeper": wrap(
            members | {"schema.json": '{"a":' * 50_000 + "1" + "}" * 50_000}
        ),
        "digits": replaced(good[1], '"protocol": 2', f'"protocol": {"9" * 100_000}'),
    }
    # Many nodes that read one array; a directory that names one member's bytes twice.
    for key in ("content", "weights"):
        bombs[key] = with_schema(good[1], lambda schema, key=key: repeat(schema))
    data = bytearray(wrap(members)[len(sign(b"")) :])
    first = data.index(b"PK\1\2")
    sizes = struct.pack("<II", 4_000_000_000, 4_000_000_000)
    data[first + 20 : first + 28] = sizes
    bombs["directory"] = sign(bytes(data))
    # Format 1 has its paths replaced before the tree is checked.
    prefix = len(sign(b""))
    bombs |= {f"{n}, format 1": sign(b[prefix:], 1) for n, b in bombs.items()}
    for name, bomb in bombs.items():
        (tmp_path / name).mkdir()
        tracemalloc.start()
        refused(bomb, tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20_000_000 + 40 * len(bomb), name


def repeat(schema):
    for node in list(nodes(schema, "weights"))[:1]:
        copies = [node["content"][0] | {"__id__": i} for i in range(1000)]
        node["content"] = copies


def test_what_is_no_file_is_refused_at_once(tmp_path):
    with pytest.raises(OSError, match="directory"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero"):
        with pytest.raises(OSError, match="no regular file"):
            load(path)


def test_newer_and_foreign_files_are_told_apart(good, tmp_path):
    newer = good[1].replace(b" format 2 ", b" format 3 ", 1)
    refused(newer, tmp_path, r"format 3, written by skmnist 0\.1\.0.*upgrade skmnist")
    for foreign in (b"", b"PK", good[1][1:], b"\x89HDF\r\n\x1a\n", b"skmnist\n"):
        refused(foreign, tmp_path, "not written by skmnist.save")
    import skops.io

    refused(sign(skops.io.dumps({"a": 1})), tmp_path, "not written by skmnist.save")
    refused(skops.io.dumps(LogisticRegression()), tmp_path, "not written by")


def test_a_file_cut_off_anywhere_is_refused(good, tmp_path):
    data = good[0]
    for length in [*range(0, 120, 7), *range(120, len(data), len(data) // 40)]:
        refused(data[:length], tmp_path)
    refused(data + b"x", tmp_path, "damaged")


def test_every_byte_counts(good, tmp_path):
    data = good[0]
    rng = np.random.default_rng(0)
    for position in [*range(110), *rng.integers(110, len(data), 200)]:
        changed = bytearray(data)
        changed[position] ^= 1 << int(rng.integers(8))
        refused(bytes(changed), tmp_path)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_changed_archive_loads_and_predicts_or_is_refused(good, tmp_path, data):
    """The checksum is put right again: what counts is what lies behind it."""
    members = unwrap(good[data.draw(st.integers(0, 1))])
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
        with contextlib.suppress(ValueError):  # the scaler is scikit-learn's to check
            loaded.predict(np.zeros((2, 9), np.float32))

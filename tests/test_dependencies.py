"""Private names of dependencies in use, and that dependencies are declared.

A release of Keras, TensorFlow, SciKeras, skops or scikit-learn that renames one of them
fails here, with the name, and not in a user's fit.
"""

import ast
import importlib
import importlib.metadata
import inspect
import re
import sys
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn
import skops.io
import tensorflow as tf
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from tensorflow.python.eager import context

ROOT = Path(__file__).parent.parent
SOURCES = {path: ast.parse(path.read_text()) for path in ROOT.glob("skmnist/**/*.py")}

# Where each private attribute in use belongs.
ATTRIBUTES = {
    "_all_reduce_sum_gradients": lambda: keras.optimizers.Adam(),
    "_call_flat": lambda: tf.function(lambda: tf.zeros(())).get_concrete_function(),
    "_build_keras_model": lambda: scikeras_classifier(),
    "_compile_config": lambda: compiled_model(),
    "_compile_loss": lambda: keras.Sequential(),
    "_flatten_layers": lambda: keras.Sequential(),
    "_get_compile_kwargs": lambda: scikeras_classifier(),
    "_get_param_names": lambda: BaseEstimator(),
    "_init_callback_context": lambda: estimator_with_callback(),
    "_loss_tracker": lambda: compiled_model(),
    "_metadata_request": lambda: estimator_with_request(),
    "_omit_frequent_tracing_warning": lambda: tf.function(lambda: None),
    "_random_state": lambda: read_attributes(type(scikeras_classifier())),
    "_rng": lambda: seeded_context(),
    "_seed": lambda: context.context(),
    "_skl_callbacks": lambda: estimator_with_callback(),
    "_use_weight_decay": lambda: keras.optimizers.Adam(),
    "_user_metrics": lambda: compiled_model()._compile_metrics,
    "_user_weighted_metrics": lambda: compiled_model()._compile_metrics,
    "_validate_params": lambda: BaseEstimator(),
    "_var_key": lambda: keras.optimizers.Adam(),
}
# Names by which Keras keeps its per-thread globals.
KERAS_GLOBALS = [
    "object_name_uids",
    "global_random_seed",
    "global_seed_generator",
    "uninitialized_variables",
]
IMPORT_NAMES = {"scikit-learn": "sklearn", "pillow": "PIL"}
PRIVATE_IMPORTS = {
    "keras.src.backend.common.global_state",
    "keras.src.backend.common.masking.get_keras_mask",
    "keras.src.random.seed_generator",
    "sklearn.base._fit_context",
    "sklearn.utils._optional_dependencies.check_matplotlib_support",
    "sklearn.utils._param_validation.HasMethods",
    "sklearn.utils._param_validation.Hidden",
    "sklearn.utils._param_validation.Interval",
    "sklearn.utils._param_validation.Options",
    "sklearn.utils._param_validation.StrOptions",
    "sklearn.utils._param_validation.validate_parameter_constraints",
    "sklearn.utils._param_validation.validate_params",
    "sklearn.utils._safe_indexing",
    "sklearn.utils.metaestimators._safe_split",
    "sklearn.utils.validation._check_method_params",
    "sklearn.utils.validation._check_sample_weight",
    "tensorflow.python.eager.context",
    "tensorflow.python.framework.random_seed",
    "tensorflow.python.ops.gen_random_ops",
    "tensorflow.python.ops.stateful_random_ops",
}


def scikeras_classifier():
    from skmnist._engine._scikeras import KerasClassifier

    return KerasClassifier(lambda: None)


def compiled_model():
    model = keras.Sequential()
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def estimator_with_request():
    with sklearn.config_context(enable_metadata_routing=True):
        return LogisticRegression().set_fit_request(sample_weight=True)


def estimator_with_callback():
    callback = pytest.importorskip("sklearn.callback")  # scikit-learn 1.9
    return LogisticRegression().set_callbacks(callback.ScoringMonitor(scoring=None))


def read_attributes(cls):
    """Return an object with the attributes that the methods of a class read."""
    source = "".join(inspect.getsource(base) for base in cls.__mro__[:2])
    names = set(re.findall(r"self\.(_\w+)", source))
    return type("Read", (), dict.fromkeys(names))


def seeded_context():
    # The generator exists once a seed is set.
    seed = context.context()._seed
    try:
        tf.random.set_seed(1)
        assert hasattr(context.context(), "_rng")
        return context.context()
    finally:
        tf.random.set_seed(seed)


def private_attributes_in_use():
    """Return private attributes that the package reads but does not define."""
    used, own = set(), set()
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    own.add(name)
                case ast.AnnAssign(target=ast.Name(id=name)):
                    own.add(name)
                case ast.Assign(targets=targets):
                    for target in targets:
                        own |= assigned_names(target)
                case ast.Attribute(attr=name) if re.match("_[^_]", name):
                    used.add(name)
    # Python documents the underscore of named tuples' methods.
    return used - own - {"_asdict", "_replace"}


def assigned_names(target):
    names = set()
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
            names.add(node.attr)
    return names


def imports():
    """Yield the full name of everything that the package imports."""
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.tensorflow
def test_private_attributes_in_use_are_listed_here():
    assert private_attributes_in_use() == set(ATTRIBUTES)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_private_attribute_exists(name):
    assert hasattr(ATTRIBUTES[name](), name)


def test_private_imports_are_listed_here():
    private = {
        name
        for name in imports()
        if not name.startswith("skmnist")
        and re.search(r"\._|\.src\.|^tensorflow\.python\.", name)
    }
    assert private == PRIVATE_IMPORTS


@pytest.mark.parametrize("path", sorted(PRIVATE_IMPORTS))
def test_private_import_exists(path):
    module, _, name = path.rpartition(".")
    found = importlib.import_module(module)
    assert hasattr(found, name) or importlib.import_module(path)


def test_callbacks_keep_their_model_by_this_name():
    # Written by skmnist._engine._observers, which has a `_model` of its own elsewhere.
    assert keras.callbacks.Callback()._model is None


@pytest.mark.parametrize("name", KERAS_GLOBALS)
def test_keras_keeps_its_global_state_by_this_name(name):
    folder = Path(keras.__file__).parent / "src"
    sources = [
        folder / "backend" / "common" / "variables.py",
        folder / "random" / "seed_generator.py",
        folder / "utils" / "naming.py",
        folder / "utils" / "rng_utils.py",
        folder / "backend" / "common" / "global_state.py",
    ]
    text = "".join(path.read_text() for path in sources)
    assert f'"{name}"' in text


def test_skops_has_the_nodes_that_files_may_contain():
    from skops.io._audit import NODE_TYPE_MAPPING

    from skmnist.persistence._archive import _NODES

    # skops registers its loaders when the first file is read.
    skops.io.loads(skops.io.dumps({"a": np.zeros(2)}), trusted=[])
    assert {name for name, _ in NODE_TYPE_MAPPING} >= _NODES


def test_imported_packages_are_declared():
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    requirements = [
        *project["dependencies"],
        *(
            r
            for extra in ("jax", "torch", "parquet", "dask")
            for r in project["optional-dependencies"][extra]
        ),
    ]
    declared = {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}
    packages = {IMPORT_NAMES.get(name, name) for name in declared}
    used = {name.partition(".")[0] for name in imports()}
    assert used - set(sys.stdlib_module_names) - {"skmnist"} <= packages


def test_oldest_versions_are_the_lower_bounds():
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["test"]
    bounds = dict(
        re.match(r"([\w-]+)>=([\d.]+)", line).groups() for line in requirements
    )
    lines = (Path(__file__).parent / "oldest.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    for name, bound in bounds.items():
        # A bound of "8" is pinned as "8.0.*".
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)?(\.\*)?", pins[name]), name

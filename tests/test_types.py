"""What editors and type checkers see of the package."""

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pytest

import skmnist

PACKAGE = Path(skmnist.__file__).parent
MODULES = sorted(skmnist._MODULES)
SCRIPT = """
import keras
import skmnist
from skmnist import KerasMLPClassifier, LeNetClassifier, diagnose_fit

X, y = skmnist.datasets.load_digits28(return_X_y=True)
clf = KerasMLPClassifier((30, 20), optimizer=keras.optimizers.SGD(), epochs=3)
reveal_type(clf.fit(X, y).history_)
reveal_type(diagnose_fit(clf, X, y, reference=0.1).errors["train"].value)
KerasMLPClassifier(epoch=3)
LeNetClassifier(learning_rate_schedule="cosinus")
"""


def stub_imports():
    """Return the modules of the names that the stub imports."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    return {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def public_objects():
    """Yield the names and values of what the public modules export."""
    for name in MODULES:
        module = importlib.import_module(f"skmnist.{name}")
        for entry in getattr(module, "__all__", ()):
            yield f"{name}.{entry}", getattr(module, entry)


def public_functions():
    """Yield the public functions, and the constructors and methods of classes."""
    for path, value in public_objects():
        if inspect.isfunction(value):
            yield path, value
        elif inspect.isclass(value):
            for name, member in inspect.getmembers_static(value):
                if name.startswith("_") and name != "__init__":
                    continue
                if isinstance(member, property):
                    member = member.fget
                elif isinstance(member, cached_property):
                    member = member.func
                elif isinstance(member, classmethod | staticmethod):
                    member = member.__func__
                if inspect.isfunction(member):
                    function = inspect.unwrap(member)
                    # None of what a dataclass generates before its module is there.
                    if (function.__module__ or "skmnist").startswith("skmnist"):
                        yield f"{path}.{name}", function


def pyright(*arguments, folder):
    """Run pyright with this environment; return what it writes as JSON."""
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "pyright", "--outputjson", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_stub_names_what_the_package_exports():
    expected = {name: f"skmnist.{home}" for name, home in skmnist._HOME.items()}
    assert stub_imports() == expected | dict.fromkeys(MODULES, "skmnist")
    stub = (PACKAGE / "__init__.pyi").read_text()
    listed = ast.literal_eval(stub.partition("__all__ = ")[2])
    assert sorted(listed) == sorted(skmnist.__all__)


def test_public_modules_are_attributes_without_an_import_of_tensorflow():
    code = (
        "import skmnist, sys\n"
        "skmnist.datasets.load_digits28, skmnist.diagnosis\n"
        f"assert set(dir(skmnist)) >= {set(MODULES)}\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_public_modules_are_listed():
    found = {path.stem for path in PACKAGE.glob("[!_]*.py")}
    found |= {path.parent.name for path in PACKAGE.glob("[!_]*/__init__.py")}
    assert found == set(MODULES)


def test_public_functions_are_annotated():
    functions = dict(public_functions())
    assert len(functions) > 100
    missing = []
    for path, function in functions.items():
        signature = inspect.signature(function)
        for name, parameter in signature.parameters.items():
            if name not in ("self", "cls") and parameter.annotation is parameter.empty:
                missing.append(f"{path}({name})")
        if signature.return_annotation is signature.empty:
            missing.append(f"{path} -> ?")
    assert not missing


@pytest.mark.slow
def test_pyright_knows_all_public_types(tmp_path):
    pytest.importorskip("pyright")
    report = pyright("--verifytypes", "skmnist", "--ignoreexternal", folder=tmp_path)
    completeness = report["typeCompleteness"]
    assert completeness["pyTypedPath"]
    # scikit-learn declares no types. Its classes are unknown, and what inherits.
    theirs = re.compile(
        r"Type of (metaclass|base class) unknown"
        r'|Type of base class "skmnist[\w.]+" is partially unknown'
        r'|Type of parameter "formatter" is partially unknown'
    )
    faults = {
        f"{symbol['name']}: {message}"
        for symbol in completeness["symbols"]
        for diagnostic in symbol["diagnostics"]
        if (message := diagnostic["message"].splitlines()[0].strip())
        and not theirs.match(message)
    }
    assert not faults


@pytest.mark.slow
def test_pyright_checks_the_parameters_of_classifiers(tmp_path):
    pytest.importorskip("pyright")
    (tmp_path / "script.py").write_text(SCRIPT)
    diagnostics = pyright("script.py", folder=tmp_path)["generalDiagnostics"]
    messages = [each["message"].splitlines()[0] for each in diagnostics]
    assert messages[:2] == [
        'Type of "clf.fit(X, y).history_" is "dict[str, list[float]]"',
        'Type of "diagnose_fit(clf, X, y, reference=0.1).errors["train"].value" is '
        '"float"',
    ]
    assert messages[2] == 'No parameter named "epoch"'
    assert "\"Literal['cosinus']\" cannot be assigned" in messages[3].replace(
        "Argument of type ", ""
    )
    assert len(messages) == 4

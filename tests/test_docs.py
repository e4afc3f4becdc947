"""The tests that the documentation names exist, and examples of methods run."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from functools import cached_property
from pathlib import Path

import pytest

import skmnist
from skmnist.search import Edge

TESTS = Path(__file__).parent
RELIABILITY = TESTS.parent / "docs" / "reliability.rst"
TOKENS = re.compile(
    r"""
      (?P<section> ^[-~=]{4,}$ )
    | tests\ of\ (?P<kind>\w+)\ files\ (are\ )?in\s+``(?P<file_of_kind>[\w/]+\.py)``
    | ``(?P<file>(?:\w+/)*test_\w+\.py)``(?P<colon>:?)
    | (?P<cell> ^\ +(?:\*\ )?-\  )
    | (?P<prefix>\w+):\s+(?=``test_)
    | ``(?P<test>test_\w+)``
    """,
    re.MULTILINE | re.VERBOSE,
)


def named_tests(page):
    """Return the pairs of file and test function that a page names.

    A section names the file of its tests, as in "The tests are in ``file.py``", or one
    for each kind, as in "The tests of npz files are in ``file.py``". A cell of a table
    may name another file, or a kind, before its tests: "``file.py``: ``test_...``".
    """
    pairs, default, current, kinds = [], None, None, {}
    for token in TOKENS.finditer(page):
        if token["section"]:
            default, current, kinds = None, None, {}
        elif token["kind"]:
            kinds[token["kind"]] = token["file_of_kind"]
        elif token["file"]:
            current = token["file"]
            default = default if token["colon"] else current
        elif token["cell"]:
            current = default
        elif token["prefix"]:
            current = kinds[token["prefix"]]
        else:
            pairs.append((current, token["test"]))
    return pairs


def test_named_tests_are_parsed_with_their_files():
    page = """
Files
-----
The tests of IDX files are in ``data/test_idx.py``, the tests of npz files in
``data/test_npz.py``.

    * - A guarantee
      - IDX: ``test_a``,
        ``test_b``; npz: ``test_c``

Others
~~~~~~
The tests are in ``test_others.py`` unless another file is named.

    * - A guarantee
      - ``cli/test_search.py``: ``test_d``, ``test_e``
    * - Another
      - ``test_f``; ``test_more.py``:
        ``test_g``
"""
    assert named_tests(page) == [
        ("data/test_idx.py", "test_a"),
        ("data/test_idx.py", "test_b"),
        ("data/test_npz.py", "test_c"),
        ("cli/test_search.py", "test_d"),
        ("cli/test_search.py", "test_e"),
        ("test_others.py", "test_f"),
        ("test_more.py", "test_g"),
    ]


def test_tests_named_in_reliability_exist():
    page = RELIABILITY.read_text()
    pairs = named_tests(page)
    # Every literal of a test was parsed, and has a file.
    assert [test for _, test in pairs] == re.findall(r"``(test_\w+)``", page)
    assert pairs
    missing = []
    for file, test in pairs:
        assert file is not None, f"no file is named for {test}"
        assert (TESTS / file).is_file(), file
        if test not in functions_of(TESTS / file):
            missing.append(f"{file}: {test}")
    assert not missing


def test_scripts_named_in_reliability_exist():
    scripts = re.findall(r"tests/[\w/]+\.py", RELIABILITY.read_text())
    assert scripts
    assert not [script for script in scripts if not (TESTS.parent / script).is_file()]


def test_api_reference_lists_every_public_name_and_no_other():
    page = (TESTS.parent / "docs" / "api" / "index.rst").read_text()
    listed = re.findall(r"^(?: {4}|\.\. py:data:: )([\w.]+)$", page, re.MULTILINE)
    public = set(skmnist.__all__)
    for _, module, _ in pkgutil.iter_modules(skmnist.__path__):
        if not module.startswith("_"):
            names = importlib.import_module(f"skmnist.{module}").__all__
            public |= {f"{module}.{name}" for name in names if name not in public}
    assert sorted(listed) == sorted(public)


def functions_of(path):
    """Return the names of the test functions at the top level of a file."""
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# Classes have the `__module__` of their package, so doctest takes their methods, whose
# globals are those of another module, for imported ones, and skips them.


def public_classes():
    members = [getattr(skmnist, name) for name in skmnist.__all__]
    return [each for each in [*members, Edge] if inspect.isclass(each)]


def methods_of(cls):
    """Return the functions of a class by their names, inherited ones included."""
    functions = {}
    for name, _ in inspect.getmembers_static(cls):
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property):
            member = member.fget
        elif isinstance(member, cached_property):
            member = member.func
        elif isinstance(member, classmethod | staticmethod):
            member = member.__func__
        function = inspect.unwrap(member) if callable(member) else None
        if inspect.isfunction(function) and function.__module__.startswith("skmnist"):
            functions[name] = function
    return functions


def examples_of_methods():
    """Return the examples in the docstrings of methods of public classes, by name."""
    finder = doctest.DocTestFinder(recurse=False, exclude_empty=True)
    found, seen = {}, set()
    for cls in public_classes():
        for name, function in methods_of(cls).items():
            if function not in seen:
                seen.add(function)
                path = f"{cls.__name__}.{name}"
                for test in finder.find(function, path, globs={}):
                    if test.examples:
                        found[path] = test
    return found


EXAMPLES = examples_of_methods()


def test_examples_of_methods_are_found():
    assert "EpochCurveDisplay.from_history" in EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_methods_run(name):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    output = []
    runner = doctest.DocTestRunner(optionflags=flags)
    result = runner.run(EXAMPLES[name], out=output.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(output)

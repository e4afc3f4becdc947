"""Docstrings of the classifiers: complete, and equal for what they share."""

import ast
import inspect
import re

import pytest

from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier

CLASSIFIERS = [KerasMLPClassifier, LeNetClassifier, KerasImageClassifier]


def documented(cls, title):
    """Return the entries of a numpydoc section.

    Parameters
    ----------
    cls : type
    title : str
        "Parameters" or "Attributes".

    Returns
    -------
    entries : dict of str to tuple of (str, str)
        Type and description of each name, in the order of the docstring.
    """
    doc = inspect.cleandoc(cls.__doc__)
    section = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc, re.M | re.S)
    entries = re.findall(
        r"^(\w+) : ([^\n]+)\n((?:[ ]+[^\n]+\n?)+)", section.group(1), re.M
    )
    # A line without " : ", or an entry without description, would be dropped silently.
    n_heads = len(re.findall(r"^\S", section.group(1), re.M))
    assert len(entries) == n_heads == len({name for name, _, _ in entries})
    return {
        name: (kind, inspect.cleandoc(description))
        for name, kind, description in entries
    }


def without_default(kind):
    return re.sub(r", default=.*", "", kind)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_every_parameter_is_documented_in_order_with_its_default(cls):
    parameters = inspect.signature(cls).parameters
    entries = documented(cls, "Parameters")
    assert list(entries) == list(parameters)
    for name, parameter in parameters.items():
        _, found, default = entries[name][0].partition(", default=")
        if parameter.default is parameter.empty:
            assert not found, name
        else:
            assert ast.literal_eval(default) == parameter.default, name
            assert type(ast.literal_eval(default)) is type(parameter.default), name


@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
def test_shared_entries_have_equal_descriptions(section):
    first, *others = [documented(cls, section) for cls in CLASSIFIERS]
    shared = [name for name in first if all(name in other for other in others)]
    if section == "Parameters":
        shared.remove("image_shape")  # of the MLP for augmentation alone
    assert len(shared) > 8
    for name in shared:
        kind, description = first[name]
        for other in others:
            assert without_default(other[name][0]) == without_default(kind), name
            assert other[name][1] == description, name


def test_all_attributes_are_shared():
    names = [list(documented(cls, "Attributes")) for cls in CLASSIFIERS]
    assert names[0] == names[1] == names[2]


def test_network_parameters_have_equal_descriptions():
    mlp, lenet = (documented(cls, "Parameters") for cls in CLASSIFIERS[:2])
    for name in ("l2", "batch_normalization", "rescaling"):
        assert mlp[name] == lenet[name]


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_every_fitted_attribute_is_documented(cls, digits):
    params = {"model": build_linear} if cls is KerasImageClassifier else {}
    clf = cls(epochs=1, random_state=0, **params).fit(*digits)
    fitted = {name for name in vars(clf) if re.fullmatch(r"[a-z]\w*_", name)}
    assert len(fitted) > 6
    assert fitted <= set(documented(cls, "Attributes"))


def build_linear(meta):
    import keras

    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )

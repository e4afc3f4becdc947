"""Advice of the findings: what it names exists, and following it helps."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from skmnist import KerasMLPClassifier, LeNetClassifier
from skmnist.diagnosis import _findings

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def cases():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "studies")
        yield importlib.import_module("_advice_cases")


# Those on embedded or generated data; docs/studies/advice.py follows all.
@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "case", "advice"),
    [
        ("FIT01", "blind to a 1 % minority", "class_weight='balanced'"),
        ("FIT02", "tiny MLP", "hidden_layer_sizes"),
        ("FIT02", "MLP, heavy L2", "l2"),
        ("FIT03", "MLP, 400 digits", "augmentation"),
        ("FIT04", "reference MLP, 5 epochs", "epochs"),
    ],
)
def test_following_the_advice_helps(code, case, advice, cases):
    (followed,) = [f for f in cases.FOLLOWED if f[:3] == (code, advice, case)]
    (before, _, codes), (after, _, _) = cases.follow(followed, 0, cv=3)
    assert code in codes
    assert after < before


def test_advice_names_parameters_that_networks_have():
    text = inspect.getsource(_findings)
    named = set(re.findall(r"\b([a-z]+(?:_[a-z0-9]+)*)=[\w.']+", text))
    listed = re.findall(r"\(([a-z_0-9, ]+)\)", text)
    assert {"random_rotation", "label_smoothing", "class_weight"} <= named
    params = KerasMLPClassifier().get_params() | LeNetClassifier().get_params()
    advised = {n for n in named if n.startswith(("random_", "label_", "class_"))}
    assert advised <= set(params)
    assert any("hidden_layer_sizes, filters" in words for words in listed)


def test_every_advised_parameter_is_followed_in_the_study(cases):
    known = {(followed.code, followed.advice) for followed in cases.FOLLOWED}
    codes = {code for code, _ in known}
    assert codes == {"FIT01", "FIT02", "FIT03", "FIT04", "FIT05", "FIT06", "FIT07"}
    for followed in cases.FOLLOWED:
        assert followed.case in cases.CASES

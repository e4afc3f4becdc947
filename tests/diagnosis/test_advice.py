"""Advice of the findings: what it names exists, and following it helps."""

import importlib
import re
from pathlib import Path

import pytest
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    diagnose_fit,
)
from skmnist.diagnosis import _advice

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


@pytest.mark.parametrize(
    ("clf", "words"),
    [
        (KerasMLPClassifier(), {"hidden_layer_sizes", "epochs", "dropout", "l2"}),
        (LeNetClassifier(), {"filters", "random_rotation", "early_stopping"}),
        (KerasImageClassifier(print), {"model", "epochs", "random_rotation"}),
        (DecisionTreeClassifier(), {"max_depth", "min_samples_leaf"}),
        (RandomForestClassifier(), {"max_depth", "class_weight"}),
        (HistGradientBoostingClassifier(), {"max_leaf_nodes", "l2_regularization"}),
        (LogisticRegression(), {"C", "class_weight"}),
        (SVC(), {"C", "gamma"}),
        (KNeighborsClassifier(), {"n_neighbors"}),
        (GaussianNB(), set()),
        (MLPClassifier(), {"hidden_layer_sizes", "alpha"}),
        (BaggingClassifier(DecisionTreeClassifier()), {"max_depth"}),
        (make_pipeline(KernelPCA(), KNeighborsClassifier()), {"n_neighbors"}),
        (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), {"C"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_advice_names_parameters_that_the_classifier_has(clf, words):
    names = _advice.parameter_names(clf)
    given = [
        _advice.against_bias(names),
        _advice.against_gap(names),
        _advice.against_rare_classes(names),
        _advice.against_overconfidence(names),
        _advice.augmentation(names),
    ]
    text = " ".join(given)
    text = text.replace("(LearningRateDisplay names a range)", "")
    for listed in re.findall(r"\((.*?)\)", text):
        if listed not in ("imbalanced-learn", "CalibratedClassifierCV"):
            mentioned = {word.partition("=")[0] for word in re.split(r"[\s,]+", listed)}
            assert mentioned <= names
    assert words <= set(re.findall(r"\w+", text))
    kinds = {"max_depth", "C", "n_neighbors", "hidden_layer_sizes", "epochs"} - names
    assert not kinds & set(re.findall(r"\w+", text))


@pytest.mark.parametrize(
    ("clf", "word"),
    [
        (SVC(kernel="linear"), "gamma"),
        (LabelPropagation(), "n_neighbors"),
        (LabelPropagation(kernel="knn"), "gamma"),
        (Perceptron(penalty=None), "alpha"),
        (BaggingClassifier(SVC(kernel="linear")), "gamma"),
    ],
    ids=str,
)
def test_parameters_without_effect_are_not_advised(clf, word):
    names = _advice.parameter_names(clf)
    assert word not in _advice.against_bias(names) + _advice.against_gap(names)


def test_linear_models_are_not_advised_a_larger_C_alone():
    names = _advice.parameter_names(LogisticRegression())
    assert _advice.against_bias(names) == "Try a more flexible model or a larger C."


def test_diagnosis_gives_the_advice_of_its_classifier(small):
    diagnosis = diagnose_fit(DecisionTreeClassifier(random_state=0), *small)
    (finding,) = (f for f in diagnosis.findings if f.code == "FIT03")
    assert "smaller trees (max_depth" in finding.advice
    assert "dropout" not in str(diagnosis)


def test_every_advised_parameter_is_followed_in_the_study(cases):
    known = {(followed.code, followed.advice) for followed in cases.FOLLOWED}
    codes = {code for code, _ in known}
    assert codes == {"FIT01", "FIT02", "FIT03", "FIT04", "FIT05", "FIT06", "FIT07"}
    for followed in cases.FOLLOWED:
        assert followed.case in cases.CASES

"""Findings that are not to be listed, and the verdict, which does not depend on it."""

import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, KerasMLPClassifier, diagnose_fit
from skmnist.cli._advice import Typed, after_diagnosis
from skmnist.cli._options import Folds
from skmnist.diagnosis._findings import CHECKS
from skmnist.report import render_html
from skmnist.report._card import render_diagnosis_card

TREE = DecisionTreeClassifier(random_state=0)


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


def test_every_check_is_known_by_the_code_of_its_finding():
    for code, check in CHECKS.items():
        assert check.__doc__.startswith(f"{code}: ")
    assert list(CHECKS) == sorted(CHECKS)


def test_ignored_findings_are_not_listed_and_others_are(data):
    whole = diagnose_fit(TREE, *data, reference=0.05)
    assert [finding.code for finding in whole.findings] == ["FIT03", "FIT06"]
    part = diagnose_fit(TREE, *data, reference=0.05, ignore=("FIT06", "FIT08"))
    assert part.findings == whole.findings[:1]
    assert part.ignore == ("FIT06", "FIT08")
    assert "FIT06" not in str(part)
    record = part.to_dict()
    assert record["ignore"] == ["FIT06", "FIT08"]
    assert [finding["code"] for finding in record["findings"]] == ["FIT03"]
    assert part.configuration["ignore"] == "FIT06, FIT08"


@pytest.mark.parametrize(
    ("estimator", "decisive", "verdict"),
    [
        (DummyClassifier(), "FIT01", "underfit"),
        (DecisionTreeClassifier(max_depth=2, random_state=0), "FIT02", "underfit"),
        (TREE, "FIT03", "overfit"),
        (
            KerasMLPClassifier(epochs=2, learning_rate=0.003, random_state=0),
            "FIT04",
            "underfit",
        ),
    ],
)
def test_verdict_stands_if_its_reason_is_ignored(data, estimator, decisive, verdict):
    options = {"cv": 2, "reference": 0.05}
    whole = diagnose_fit(estimator, *data, **options)
    assert decisive in [finding.code for finding in whole.findings]
    none = diagnose_fit(estimator, *data, **options, ignore=list(CHECKS))
    assert none.findings == []
    assert (none.verdict, none.sentence) == (verdict, whole.sentence)
    assert str(none).splitlines()[0] == none.sentence
    assert not any(code in str(none) for code in CHECKS)
    # The next command follows the verdict, whatever is listed.
    task = Typed(["mlp"], {}, {}), KerasMLPClassifier(epochs=4), Folds(2), "report"
    assert after_diagnosis(none, *task) == after_diagnosis(whole, *task)


def test_page_and_card_say_what_is_not_listed(data):
    none = diagnose_fit(TREE, *data, cv=2, reference=0.05, ignore=["FIT03", "FIT06"])
    page = render_html(none)
    assert "No findings: no other check found a problem." in page
    for html in (page, render_diagnosis_card(none)):
        assert "Findings that were not to be listed: FIT03, FIT06." in html


def test_ignore_of_cv_results(data):
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    results = cross_validate(
        TREE, *data, cv=cv, return_estimator=True, return_indices=True
    )
    options = {"reference": 0.05, "ignore": ["FIT03"]}
    diagnosis = FitDiagnosis.from_cv_results(results, *data, **options)
    assert [finding.code for finding in diagnosis.findings] == ["FIT06"]
    assert diagnosis.verdict == "overfit"
    with pytest.raises(ValueError, match="ignore names FIT99"):
        FitDiagnosis.from_cv_results(results, *data, ignore=["FIT99"])


@pytest.mark.parametrize(
    ("ignore", "message"),
    [
        (["FIT03", "FIT99"], "ignore names FIT99, but the findings are FIT01, FIT02"),
        ([["FIT03"]], r"ignore names \['FIT03'\]"),
        ("FIT03", r"list codes of findings, such as \('FIT08',\), got 'FIT03'"),
        (3, "got 3"),
    ],
)
def test_unknown_codes_are_refused_before_training(data, ignore, message):
    with pytest.raises(ValueError, match=message):
        diagnose_fit(DummyClassifier(strategy="none"), *data, ignore=ignore)

"""What is wrong with a fit is an issue, what could be gained is a tip."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

from skmnist import diagnose_fit
from skmnist._estimate import Estimate
from skmnist.cli import _output
from skmnist.diagnosis._findings import CHECKS
from skmnist.report import render_html
from skmnist.report._card import render_diagnosis_card
from skmnist.search._candidates import Candidates

SIMPLER = {"parameter": "depth", "value": 2, "best_value": 3}
SIMPLER |= {"error": 0.1, "best_error": 0.1, "difference_high": 0.01}


@pytest.fixture(scope="module")
def diagnosis():
    X, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0)
    return diagnose_fit(tree, X[:600] / 16, y[:600], cv=2, reference=0.05)


@pytest.mark.parametrize(
    ("code", "evidence"),
    [
        (
            "FIT07",
            {"more_data": Estimate(0.03, 0.02, 0.04), "extrapolation": None},
        ),
        ("FIT09", {"candidates": Candidates([("C", 1.0, "highest", [0.1, 1.0])])}),
        ("FIT10", {"candidates": Candidates([], simpler=SIMPLER)}),
    ],
)
def test_what_could_be_gained_is_a_tip(code, evidence):
    evidence = SimpleNamespace(**evidence, tolerance=0.02, parameters=frozenset())
    assert CHECKS[code](evidence).severity == "tip"


@pytest.mark.parametrize(
    ("code", "evidence"),
    [
        (
            "FIT01",
            {
                "advantage": Estimate(0.01, -0.01, 0.03),
                "reference_advantage": None,
            },
        ),
        ("FIT11", {"difference": Estimate(-0.03, -0.04, -0.02)}),
    ],
)
def test_what_is_wrong_is_an_issue(code, evidence):
    evidence = SimpleNamespace(**evidence, parameters=frozenset())
    assert CHECKS[code](evidence).severity == "issue"


def test_severity_is_shown_in_text_page_card_and_record(diagnosis, monkeypatch):
    severity = {finding.code: finding.severity for finding in diagnosis.findings}
    assert severity == {"FIT03": "issue", "FIT06": "tip"}
    console = Console(record=True, width=500, file=io.StringIO())
    monkeypatch.setattr(_output, "output_console", lambda: console)
    _output.print_diagnosis(diagnosis)
    for text in (str(diagnosis), console.export_text()):
        assert "FIT03 Generalisation gap (issue): " in text
        assert "FIT06 Overconfident (tip): " in text
    for html in (render_html(diagnosis), render_diagnosis_card(diagnosis)):
        assert "FIT03, issue" in html
        assert "FIT06, tip" in html
    record = diagnosis.to_dict()["findings"]
    assert [each["severity"] for each in record] == ["issue", "tip"]

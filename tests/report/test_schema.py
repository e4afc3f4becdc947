"""What a diagnosis says as JSON follows the schema that the package ships."""

import copy
import json
from importlib.resources import files

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist.cli import app
from skmnist.diagnosis._findings import CHECKS
from skmnist.diagnosis._record import VERSION
from skmnist.report import write_report
from skmnist.report._explanations import VERDICTS

SCHEMA = json.loads(
    (files("skmnist.report") / "diagnosis.schema.json").read_text("utf-8")
)
VALIDATOR = Draft202012Validator(SCHEMA)
TREE = DecisionTreeClassifier(random_state=0)


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:400] / 16, y[:400]


@pytest.fixture(scope="module")
def record(data):
    return diagnose_fit(
        KerasMLPClassifier(hidden_layer_sizes=(10,), epochs=2, random_state=0),
        *data,
        cv=2,
        reference=0.05,
        learning_curve=True,
        capacity={"epochs": [1, 2]},
    ).to_dict()


def test_schema_is_a_schema_of_this_version():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["version"]["const"] == VERSION
    assert SCHEMA["properties"]["verdict"]["enum"] == list(VERDICTS)
    code = Draft202012Validator(SCHEMA["$defs"]["code"])
    for known in CHECKS:
        code.validate(known)


def test_network_with_epochs_capacity_and_learning_curve_is_valid(record):
    VALIDATOR.validate(record)
    for table in ("epochs", "capacity_curve", "learning_curve", "calibration"):
        assert record[table] is not None
    assert {finding["code"] for finding in record["findings"]} >= {"FIT02"}


def test_labels_and_scores_without_probabilities_are_valid(data):
    X, y = data
    record = diagnose_fit(SVC(), X, [f"d{k}" for k in y], cv=2, ignore=["FIT03"])
    VALIDATOR.validate(record.to_dict())
    assert record.to_dict()["calibration"] is None


def test_hold_out_groups_weights_search_and_no_mistakes_are_valid(data):
    X, y = data
    search = GridSearchCV(TREE, {"max_depth": [1, 2, None]}, cv=2).fit(X, y)
    one, other = X[:, :1] * 0 + (y % 2)[:, None], y % 2 == 0
    for diagnosis in (
        diagnose_fit(GaussianNB(), X, y, X_val=X, y_val=y, reference=0.1),
        diagnose_fit(DummyClassifier(), X, y, groups=np.arange(400) // 4, cv=2),
        diagnose_fit(
            TREE, X, y, cv=2, reference=TREE, params={"sample_weight": np.ones(400)}
        ),
        diagnose_fit(search, X, y, capacity={"max_depth": [1, 2, None]}, cv=2),
        diagnose_fit(TREE, one, other, cv=2, reference=0.0),
    ):
        VALIDATOR.validate(diagnosis.to_dict())
    assert diagnosis.to_dict()["mistakes"]["row"] == []


def test_files_of_a_report_and_printed_record_are_valid(data, tmp_path):
    diagnosis = diagnose_fit(TREE, *data, cv=2, reference=0.05)
    advice = [("to stop earlier", "skmnist diagnose --epochs 3")]
    write_report(diagnosis, tmp_path / "own", advice=advice)
    VALIDATOR.validate(json.loads((tmp_path / "own/diagnosis.json").read_text()))
    command = "diagnose --samples 200 --epochs 1 --cv 2 --no-learning-curve --json"
    out = tmp_path / "typed"
    options = ["--reference", "0.02", "--out", str(out)]
    result = CliRunner().invoke(app, [*command.split(), *options])
    assert result.exit_code == 0, result.stderr
    VALIDATOR.validate(json.loads(result.stdout))
    VALIDATOR.validate(json.loads((out / "diagnosis.json").read_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["version"], 2),
        (["verdict"], "fine"),
        (["sentence"], None),
        (["findings", 0, "severity"], "error"),
        (["findings", 0, "evidence"], []),
        (["findings", 0, "code"], 3),
        (["ignore"], "FIT03"),
        (["bias", "low"], "0.1"),
        (["gap", "value"], None),
        (["tolerance"], 2),
        (["errors", "tests"], {"value": 0.1, "low": 0, "high": 1}),
        (["n_samples"], 400.5),
        (["classes", 0], None),
        (["folds", 0, "fold"], "1"),
        (["folds", 0, "validation_accuracy"], None),
        (["folds", 0, "fit_time"], -1),
        (["epochs", "train_loss", 0], "low"),
        (["epochs", "learning_rate"], [0.1]),
        (["summary", "train_loss", "mean"], "low"),
        (["confusion_matrix", 0, 0], 1.5),
        (["capacity_curve", "value", 0], 1),
        (["calibration", "n"], 10),
        (["mistakes", "split", 0], 0),
        (["data", "X", "sha256"], "none"),
        (["configuration"], "default"),
        (["unknown"], 1),
    ],
)
def test_wrong_type_or_name_is_rejected(record, path, value):
    changed = copy.deepcopy(record)
    *parents, last = path
    place = changed
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(ValidationError):
        VALIDATOR.validate(changed)


@pytest.mark.parametrize("name", SCHEMA["required"])
def test_missing_entry_is_rejected(record, name):
    rest = {key: value for key, value in record.items() if key != name}
    with pytest.raises(ValidationError):
        VALIDATOR.validate(rest)


def test_test_samples_are_valid(data):
    X, y = data
    diagnosis = diagnose_fit(
        SVC(), X[:300], y[:300], cv=2, reference=0.05, X_test=X[300:], y_test=y[300:]
    )
    record = diagnosis.to_dict()
    VALIDATOR.validate(record)
    assert record["test_separation"]["n_test"] == 50  # held out of them
    assert "test_accuracy" in record["folds"][0]
    assert "test" in record["errors"]

"""What to type next: each command can be typed, with the values it advises."""

import json
import shlex
from types import SimpleNamespace

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from skmnist import KerasMLPClassifier, LeNetClassifier
from skmnist.cli import app
from skmnist.cli._advice import (
    AUGMENTATION,
    Typed,
    after_comparison,
    after_diagnosis,
    after_search,
    next_folder,
)
from skmnist.cli._options import Folds
from skmnist.search import Edge

TYPED = Typed(["mlp"], {}, {})
DEFORMED = ["random_rotation=0.03", "random_translation=0.07", "random_zoom=0.1"]


def parsed(command):
    """Return the parameters of a command, which must be valid."""
    words = shlex.split(command)
    assert words[0] == "skmnist"
    return get_command(app).commands[words[1]].make_context(words[1], words[2:]).params


def diagnosis_of(verdict, counts=(50, 50), **evidence):
    findings = [SimpleNamespace(code=c, evidence=e) for c, e in evidence.items()]
    matrix = np.diag(counts)
    return SimpleNamespace(
        verdict=verdict, _all_findings=findings, confusion_matrix=matrix, tolerance=0.02
    )


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def advised(diagnosis, network=None, typed=TYPED, folds=None, *, of_images=True):
    """Return the parameters that are advised."""
    advice = after_diagnosis(
        diagnosis,
        typed,
        network or KerasMLPClassifier(),
        folds or Folds(5),
        "report",
        of_images=of_images,
    )
    return shlex.split(advice.command)[1], parsed(advice.command)


@pytest.mark.parametrize(
    ("diagnosis", "network", "expected"),
    [
        (
            diagnosis_of("underfit", FIT04={"n_epochs": 7}, FIT02={}),
            None,
            ("epochs", 14),
        ),
        (
            diagnosis_of(
                "underfit", FIT04={"n_epochs": 7}, FIT14={"suggested_rate": 0.002}
            ),
            None,
            ("settings", ["learning_rate=0.002"]),
        ),
        (
            diagnosis_of("underfit", FIT04={"n_epochs": 7}, FIT14={}),
            None,
            ("epochs", 14),
        ),
        (
            diagnosis_of("underfit", FIT02={}),
            None,
            ("settings", ["hidden_layer_sizes=400x200"]),
        ),
        (
            diagnosis_of("underfit", FIT02={}),
            KerasMLPClassifier(hidden_layer_sizes=8),
            ("settings", ["hidden_layer_sizes=16"]),
        ),
        (
            diagnosis_of("both", FIT02={}, FIT03={}),
            LeNetClassifier(),
            ("settings", ["hidden_layer_sizes=256"]),
        ),
        (
            diagnosis_of("underfit", counts=(90, 10), FIT01={}),
            None,
            ("settings", ["class_weight=balanced"]),
        ),
        (diagnosis_of("underfit", FIT01={}), None, ("epochs", 20)),
        (diagnosis_of("overfit", FIT03={"epoch": 4}), None, ("epochs", 4)),
        (diagnosis_of("overfit", FIT03={}, FIT05={"epoch": 3}), None, ("epochs", 3)),
        (diagnosis_of("overfit", FIT03={}), None, ("settings", DEFORMED)),
        (
            diagnosis_of("overfit", FIT03={}),
            KerasMLPClassifier(random_shear=0.1),
            ("settings", ["dropout=0.3"]),
        ),
        (
            diagnosis_of("overfit", FIT03={}),
            LeNetClassifier(**AUGMENTATION),
            ("settings", ["dropout=0.5"]),
        ),
        (
            diagnosis_of("overfit", FIT03={}),
            KerasMLPClassifier(dropout=0.5, **AUGMENTATION),
            ("settings", ["l2=0.0001"]),
        ),
        (
            diagnosis_of("overfit", FIT03={}),
            KerasMLPClassifier(dropout=0.5, l2=0.001, **AUGMENTATION),
            ("settings", ["l2=0.01"]),
        ),
        (diagnosis_of("inconclusive"), None, ("cv", "5x3")),
    ],
)
def test_advice_of_each_verdict(diagnosis, network, expected):
    command, params = advised(diagnosis, network)
    assert command == "diagnose"
    name, value = expected
    assert params[name] == value
    assert str(params["out"]) == "report-2"


def test_good_fit_is_trained():
    typed = Typed(
        ["lenet"], {"dropout": 0.1, "epochs": 3}, {"data": "mnist", "cv": "3"}
    )
    command, params = advised(diagnosis_of("good"), typed=typed)
    assert command == "train"
    assert (params["model"], params["data"]) == ("lenet", "mnist")
    assert (params["settings"], params["epochs"]) == (["dropout=0.1"], 3)
    assert str(params["out"]) == "model.skmnist"


def test_what_was_typed_is_kept():
    options = {"data": "a b.csv", "label": "kind", "transpose": True, "cv": "3"}
    typed = Typed(["mlp"], {"l2": 0.01, "batch_size": 64}, options)
    diagnosis = diagnosis_of("overfit", FIT03={})
    _, params = advised(diagnosis, typed=typed, of_images=False)
    assert params["settings"] == ["l2=0.01", "dropout=0.3"]
    assert (params["batch_size"], params["transpose"]) == (64, True)
    assert (params["data"], params["label"], params["cv"]) == ("a b.csv", "kind", "3")


def test_inconclusive_takes_all_samples_first_and_then_more_repeats():
    typed = Typed(["mlp"], {}, {"samples": 300})
    _, params = advised(diagnosis_of("inconclusive"), typed=typed)
    assert (params["samples"], params["cv"]) == (None, "5")
    _, params = advised(diagnosis_of("inconclusive"), folds=Folds(5, 3))
    assert params["cv"] == "5x9"
    _, params = advised(diagnosis_of("inconclusive"), folds=Folds(5, 9))
    assert (params["cv"], params["tolerance"]) == ("5", 0.04)


def test_comparison_trains_the_better_network_or_repeats():
    typed = Typed(["mlp", "lenet"], {}, {})
    difference = SimpleNamespace(contains=lambda value: False, value=0.02)
    comparison = SimpleNamespace(
        difference=difference,
        names=("mlp", "lenet"),
        diagnoses=[diagnosis_of("good")] * 2,
    )
    advice = after_comparison(comparison, typed, Folds(5), "report")
    assert parsed(advice.command)["model"] == "lenet"
    difference.contains = lambda value: True
    advice = after_comparison(comparison, typed, Folds(5), "report")
    assert parsed(advice.command)["cv"] == "5x3"
    assert [m.value for m in parsed(advice.command)["model"]] == ["mlp", "lenet"]


def search_of(edges, simpler=None):
    return SimpleNamespace(
        edges=edges,
        labelled=lambda point: {n.rpartition("__")[2]: v for n, v in point.items()},
        has_simpler=simpler is not None,
        simplest=simpler,
    )


@pytest.mark.parametrize(
    ("edge", "values"),
    [
        (Edge("mlp__epochs", 20, "highest", [5, 10, 20]), "10,20,40,80"),
        (Edge("mlp__epochs", 2, "lowest", [2, 4]), "1,2,4"),
        (
            Edge("mlp__learning_rate", 0.001, "lowest", [0.001, 0.01]),
            "1e-05,0.0001,0.001,0.01",
        ),
        (
            Edge("mlp__learning_rate", 0.0045, "lowest", [0.0045, 0.0098]),
            "0.000949,0.00207,0.0045,0.0098",
        ),
        (Edge("mlp__dropout", 0.5, "highest", [0, 0.5]), "0,0.5,0.75,0.875"),
        (Edge("mlp__l2", 0.1, "highest", [0, 0.1]), "0,0.1,0.2,0.4"),
        (Edge("mlp__batch_size", 32, "highest", [31, 32]), "31,32,64,128"),
        (
            Edge("mlp__validation_fraction", 0.5, "highest", [0.1, 0.5]),
            "0.1,0.5,0.75,0.875",
        ),
    ],
)
def test_search_goes_on_beyond_the_edge(edge, values):
    name = edge.name.rpartition("__")[2]
    grid = {name: edge.values, "activation": ["tanh", "relu"]}
    wider, train = after_search(
        search_of([edge]), TYPED, KerasMLPClassifier(), grid, "found"
    )
    params = parsed(wider.command)
    assert params["grid"] == [f"{name}={values}", "activation=tanh,relu"]
    assert parsed(train.command)["from_search"].name == "found"


def test_search_beyond_tested_learning_rates_names_them_once():
    edge = Edge("mlp__learning_rate", 0.02, "highest", [0.005, 0.01, 0.02])
    typed = Typed(["mlp"], {}, {"learning_rate": True, "samples": 200})
    grid = {"learning_rate": edge.values}
    wider, _ = after_search(
        search_of([edge]), typed, KerasMLPClassifier(), grid, "found"
    )
    params = parsed(wider.command)
    assert params["grid"] == ["learning_rate=0.01,0.02,0.04,0.08"]
    assert not params["learning_rate"]
    assert params["samples"] == 200


def test_edge_without_valid_values_beyond_it_gives_no_search():
    edge = Edge("mlp__epochs", 1, "lowest", [1, 2])
    typed = Typed(["mlp"], {}, {"samples": 200, "seed": 5, "cv": "3"})
    found, grid = search_of([edge]), {"epochs": [1, 2]}
    (train,) = after_search(found, typed, KerasMLPClassifier(), grid, "found")
    params = parsed(train.command)
    assert (params["samples"], params["seed"]) == (200, 5)


def test_simpler_point_is_trained_with_its_values():
    found = search_of([], {"mlp__hidden_layer_sizes": (50,), "mlp__l2": 0.1})
    (advice,) = after_search(found, TYPED, KerasMLPClassifier(), {}, "found")
    params = parsed(advice.command)
    assert params["settings"] == ["hidden_layer_sizes=50", "l2=0.1"]


def test_next_folder_does_not_exist(tmp_path):
    assert next_folder(tmp_path / "report") == str(tmp_path / "report-2")
    (tmp_path / "report-2").mkdir()
    assert next_folder(tmp_path / "report-2") == str(tmp_path / "report-3")
    assert next_folder("my-report") == "my-report-2"


def test_printed_command_can_be_typed_and_stands_in_the_report(tmp_path):
    fast = ["--samples", "150", "--cv", "2", "--reference", "0.1", "--epochs", "1"]
    options = ["diagnose", *fast, "--no-learning-curve", "--out", str(tmp_path / "a")]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    (place,) = (i for i, line in enumerate(lines) if line.startswith("Next, "))
    command = lines[place + 1].strip()
    record = json.loads((tmp_path / "a" / "diagnosis.json").read_text())
    assert record["next"][0]["command"] == command
    assert f"<code>{command}</code>" in (tmp_path / "a" / "report.html").read_text()
    again = CliRunner().invoke(app, shlex.split(command)[1:])
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "a-2" / "report.html").exists()

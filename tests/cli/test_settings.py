"""Hyperparameters by --set and --from, folds, references, and what to type next."""

import json
import shlex

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from skmnist import KerasMLPClassifier, LeNetClassifier, load, load_digits28
from skmnist._cross_validation._splits import rows_of_splits
from skmnist.cli import _data, app
from skmnist.cli._options import parse_folds

DIGITS = load_digits28()
FAST = ["--samples", "150", "--epochs", "1"]


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def succeeds(*args):
    result = run(*args)
    assert result.exit_code == 0, result.stderr
    return result


def fails(*args, code=1):
    result = run(*args)
    assert (result.exit_code, result.stdout) == (code, "")
    return result.stderr


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "found"
    options = ["--set", "hidden_layer_sizes=20", "--cv", 2, "--samples", 150]
    grid = ["--grid", "epochs=1,2", "--grid", "dropout=0,0.2"]
    return out, succeeds("search", *grid, *options, "--seed", 3, "--out", out)


# --set


def test_settings_reach_the_network(tmp_path):
    out = tmp_path / "model"
    settings = ["dropout=0.3", "hidden_layer_sizes=30x10", "early_stopping=true"]
    settings += ["validation_fraction=0.2", "activation=relu", "class_weight=balanced"]
    words = [word for setting in settings for word in ("--set", setting)]
    succeeds("train", *words, *FAST, "--out", out)
    network = load(out)[-1]
    assert (network.dropout, network.hidden_layer_sizes) == (0.3, (30, 10))
    assert network.early_stopping is True
    assert (network.activation, network.class_weight) == ("relu", "balanced")
    assert network.epochs == 1


@pytest.mark.parametrize("command", ["train", "diagnose", "search"])
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("dropuot=0.3", "no hyperparameter dropuot: did you mean dropout?"),
        ("filters=3", "no hyperparameter filters"),
        ("verbose=1", "no hyperparameter verbose"),
        ("dropout=3", "'dropout' parameter of KerasMLPClassifier must be"),
        ("dropout=0.1,0.2", "has 2 values: give one, or search over them"),
        ("dropout", "cannot be read as name=value"),
        ("epochs=3", "epochs is given twice"),
    ],
)
def test_wrong_settings_are_one_sentence_before_training(
    tmp_path, monkeypatch, command, setting, message
):
    monkeypatch.setattr(KerasMLPClassifier, "fit", None)
    grid = ["--grid", "l2=0,0.1"] if command == "search" else []
    out = tmp_path / "out"
    said = fails(command, *grid, "--epochs", 1, "--set", setting, "--out", out)
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    assert message in said
    assert not out.exists()


def test_search_refuses_a_setting_that_it_searches_over(tmp_path):
    options = ["--grid", "dropout=0,0.1", "--set", "dropout=0.2"]
    said = fails("search", *options, "--out", tmp_path / "out")
    assert "dropout is both searched over and set" in said


def test_setting_of_one_of_two_networks_is_for_that_one():
    from skmnist.cli._settings import settings_of

    both = [KerasMLPClassifier, LeNetClassifier]
    settings = {"filters": (4, 8), "dropout": 0.1, "hidden_layer_sizes": 30}
    assert settings_of(KerasMLPClassifier, settings, both) == {
        "dropout": 0.1,
        "hidden_layer_sizes": (30,),
    }
    assert settings_of(LeNetClassifier, settings, both)["filters"] == (4, 8)
    with pytest.raises(ValueError, match="no hyperparameter sizes"):
        settings_of(LeNetClassifier, {"sizes": 3}, both)


def test_help_shows_the_networks_own_defaults():
    said = succeeds("train", "--help").stdout
    for name in ("epochs", "batch_size"):
        mlp, lenet = (getattr(c(), name) for c in (KerasMLPClassifier, LeNetClassifier))
        assert f"{mlp} for mlp, {lenet} for lenet" in " ".join(said.split())


@pytest.mark.parametrize(
    "command", ["diagnose", "search", "train", "evaluate", "predict"]
)
def test_help_has_examples_that_can_be_parsed_and_names_no_bool(command):
    from typer.main import get_command

    said = succeeds(command, "--help").stdout
    assert "bool" not in said
    examples = said.split("Examples:")[1].strip().splitlines()
    assert len(examples) >= 3
    for example in examples:
        words = shlex.split(example)
        assert words[:2] == ["skmnist", command]
        get_command(app).commands[command].make_context(command, words[2:])


def test_completion_offers_hyperparameters_and_data(tmp_path, monkeypatch):
    from skmnist.cli._options import complete_data, complete_setting

    (tmp_path / "digits_of_mine").mkdir()
    (tmp_path / "train.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert complete_setting("drop") == ["dropout="]
    assert complete_setting("verb") == []
    assert complete_data("dig") == ["digits", "digits_of_mine/"]
    assert complete_data("tr") == ["train.csv"]
    environment = {"_SKMNIST_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    environment["COMP_WORDS"] = "skmnist train --set drop"
    result = CliRunner().invoke(app, prog_name="skmnist", env=environment)
    assert result.stdout.split() == ["dropout="]


# --from


def test_train_takes_the_best_point_of_a_search(searched, tmp_path):
    folder, _ = searched
    record = json.loads((folder / "search.json").read_text())
    for number, path in enumerate((folder, folder / "search.json")):
        out = tmp_path / f"model{number}"
        succeeds("train", "--from", path, "--out", out)
        network = load(out)[-1]
        for name, value in record["best"].items():
            assert getattr(network, name) == value
        assert network.hidden_layer_sizes == (20,)  # set for the search


def test_options_replace_what_a_search_found(searched, tmp_path):
    out = tmp_path / "model"
    options = ["--model", "lenet", "--epochs", 1, "--set", "hidden_layer_sizes=8"]
    options += ["--set", "filters=2x2", "--samples", 60]
    succeeds("train", "--from", searched[0], *options, "--out", out)
    network = load(out)[-1]
    assert type(network) is LeNetClassifier
    assert (network.epochs, network.hidden_layer_sizes) == (1, (8,))


def test_data_that_are_typed_replace_all_options_of_the_searched_data(tmp_path):
    frame = pd.DataFrame(DIGITS.data[:150]).add_prefix("pixel")
    frame["kind"], frame["writer"] = DIGITS.target[:150], np.arange(150) // 10
    frame.to_csv(tmp_path / "own.csv", index=False)
    data = ["--data", tmp_path / "own.csv", "--label", "kind", "--groups", "writer"]
    options = ["--grid", "l2=0,0.1", "--cv", 2, "--epochs", 1]
    succeeds("search", *data, *options, "--out", tmp_path / "found")
    succeeds("train", "--from", tmp_path / "found", "--out", tmp_path / "a")
    other = ["--data", "digits", "--samples", 60, "--out", tmp_path / "b"]
    succeeds("train", "--from", tmp_path / "found", *other)
    said = fails("train", "--from", tmp_path, "--out", tmp_path / "c")
    assert "contains no search.json: --from takes the folder" in said


def test_command_of_a_report_names_the_values_and_not_the_search(searched, tmp_path):
    out = tmp_path / "report"
    options = ["--samples", 150, "--cv", 2, "--no-learning-curve", "--reference", 0.02]
    succeeds("diagnose", "--from", searched[0], *options, "--out", out)
    command = json.loads((out / "diagnosis.json").read_text())["command"]
    best = json.loads((searched[0] / "search.json").read_text())["best"]
    assert "--from" not in command
    assert f"--set dropout={best['dropout']:g}" in command
    assert f"--epochs {best['epochs']}" in command
    assert "--set hidden_layer_sizes=20" in command


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{}",
        '{"best": 3}',
        '{"best": {"epochs": {"a": 1}}}',
        '{"best": {"epochs": [1.5]}}',
        '{"best": {"nonsense": 1}}',
        '{"best": {"epochs": -3}}',
        '{"best": {"epochs": 2}, "command": "skmnist search \'"}',
    ],
)
def test_bad_search_files_are_one_sentence(tmp_path, content):
    path = tmp_path / "search.json"
    if content is not None:
        path.write_text(content)
    said = fails("train", "--from", path, "--out", tmp_path / "model")
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "model").exists()


def test_result_of_a_search_in_python_gives_its_values(tmp_path):
    record = {"best": {"epochs": 1, "hidden_layer_sizes": [9, 5]}, "command": None}
    (tmp_path / "search.json").write_text(json.dumps(record))
    options = ["--samples", 100, "--out", tmp_path / "model"]
    succeeds("train", "--from", tmp_path, *options)
    assert load(tmp_path / "model")[-1].hidden_layer_sizes == (9, 5)


# --cv, --groups, --reference, --quiet, --json


@pytest.mark.parametrize(
    ("option", "value"),
    [("--cv", "1"), ("--cv", "5x0"), ("--cv", "five"), ("--cv", "5x3x2")]
    + [("--cv", "-5"), ("--image-shape", "28"), ("--image-shape", "0x3")]
    + [("--reference", "1"), ("--reference", "best"), ("--reference", "-0.1")],
)
def test_unreadable_values_are_usage_errors(tmp_path, option, value):
    said = fails("diagnose", option, value, "--out", tmp_path / "out", code=2)
    assert option in said


def test_repeated_folds_and_known_reference_are_used(tmp_path):
    out = tmp_path / "report"
    options = [*FAST, "--cv", "2x3", "--reference", "0.02", "--no-learning-curve"]
    succeeds("diagnose", *options, "--out", out)
    record = json.loads((out / "diagnosis.json").read_text())
    assert len(record["folds"]) == 6
    assert record["errors"]["reference"]["value"] == 0.02
    assert record["learning_curve"] is None
    assert "--cv 2x3 " in record["command"]
    assert "--reference 0.02 --no-learning-curve" in record["command"]
    assert "repeated 3 times" in record["configuration"]["Cross-validation"]


@pytest.mark.parametrize("cv", ["3", "2x2"])
def test_groups_are_not_divided_between_folds(tmp_path, cv):
    frame = pd.DataFrame(DIGITS.data[:200]).add_prefix("pixel")
    frame["label"], frame["writer"] = DIGITS.target[:200], np.arange(200) // 10
    frame.to_csv(tmp_path / "own.csv", index=False)
    options = ["--data", tmp_path / "own.csv", "--groups", "writer", "--cv", cv]
    data = _data.load({"data": str(tmp_path / "own.csv"), "groups": "writer"})
    splits = list(_data.make_cv(parse_folds(cv), data, 0).split(data.images, data.y))
    assert len(splits) == parse_folds(cv).n_splits
    for train, test in splits:
        assert not set(data.groups[train]) & set(data.groups[test])
    out = tmp_path / "report"
    fast = ["--epochs", 1, "--reference", 0.1, "--no-learning-curve"]
    succeeds("diagnose", *options, *fast, "--out", out)
    record = json.loads((out / "diagnosis.json").read_text())
    assert record["data"]["groups"]["shape"] == [200]
    assert "of whole groups" in record["configuration"]["Cross-validation"]


def test_too_few_groups_are_refused(tmp_path):
    images, y = DIGITS.images[:100], DIGITS.target[:100]
    np.savez(tmp_path / "own.npz", X=images, y=y, g=np.arange(100) % 3)
    options = ["--data", tmp_path / "own.npz", "--groups", "g"]
    said = fails("diagnose", *options, "--out", tmp_path / "out")
    assert "have 3 groups, too few for 5 folds" in said


def test_quiet_prints_nothing(tmp_path):
    fast = [*FAST, "--quiet"]
    diagnosis = ["--cv", 2, "--reference", 0.1, "--no-learning-curve"]
    for command, options in (
        ("train", []),
        ("diagnose", diagnosis),
        ("search", ["--cv", 2, "--grid", "l2=0,0.1"]),
    ):
        result = succeeds(command, *fast, *options, "--out", tmp_path / command)
        assert (result.stdout, result.stderr) == ("", "")
        assert (tmp_path / command).exists()


def test_json_is_the_only_output(tmp_path):
    def record(*args):
        return json.loads(succeeds(*args, "--json").stdout)

    model = tmp_path / "model"
    trained = record("train", *FAST, "--out", model)
    assert set(trained["scores"]["Train"]) == {"images", "loss", "accuracy"}
    assert record("evaluate", model)["scores"]["Test"]["images"] == 360
    fast = [*FAST, "--cv", 2]
    options = [*fast, "--reference", 0.1, "--no-learning-curve"]
    diagnosed = record("diagnose", *options, "--out", tmp_path / "report")
    assert diagnosed["report"] == str(tmp_path / "report" / "report.html")
    assert diagnosed["verdict"] == "underfit"
    assert diagnosed["next"][0]["command"].startswith("skmnist diagnose ")
    found = record("search", *fast, "--grid", "l2=0,0.1", "--out", tmp_path / "s")
    assert found["best"]["l2"] in (0, 0.1)
    np.save(tmp_path / "new.npy", DIGITS.images[:2])
    predicted = record("predict", model, tmp_path / "new.npy")
    assert [row["image"] for row in predicted] == [0, 1]
    assert set(predicted[0]) == {"image", "label", "probability"}


@pytest.mark.parametrize("groups", [None, np.arange(60) // 3])
def test_folds_of_the_command_line_are_those_of_python(groups):
    y = np.tile([0, 1, 2], 20)
    data = _data.Data(np.zeros((60, 2)), y, groups, "data")
    cv = _data.make_cv(parse_folds("4"), data, 7)
    python = rows_of_splits(4, data.images, y, groups, random_state=7)
    for split, same in zip(cv.split(data.images, y, groups), python, strict=True):
        np.testing.assert_array_equal(split[0], same[0])
        np.testing.assert_array_equal(split[1], same[1])

"""--fail-on, the exit status of a verdict, and --ignore, what is not listed."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from skmnist._cross_validation import _reference
from skmnist.cli import app
from skmnist.report import FILES

QUICK = ["--samples", "200", "--epochs", "1", "--cv", "2", "--no-learning-curve"]
# After one epoch on 100 images the network still underfits.
QUICK += ["--reference", "0.02"]


def run(*args):
    return CliRunner().invoke(app, ["diagnose", *map(str, args)])


def test_unwanted_verdict_exits_with_3_after_everything_is_written(tmp_path):
    options = ["--fail-on", "overfit", "--fail-on", "good, underfit"]
    result = run(*QUICK, *options, "--json", "--out", tmp_path)
    assert result.exit_code == 3, result.stderr
    record = json.loads(result.stdout)
    assert record["verdict"] == "underfit"
    assert result.stderr == ""
    written = {path.name for path in tmp_path.iterdir()}
    assert written == set(FILES) - {"learning_curve.png"}
    # The status depends on the option, the report and the next command do not.
    saved = json.loads((tmp_path / "diagnosis.json").read_text())
    for command in (saved["command"], saved["next"][0]["command"]):
        assert "--fail-on" not in shlex.split(command)


def test_other_verdict_exits_with_0(tmp_path):
    result = run(*QUICK, "--fail-on", "overfit,both", "--quiet", "--out", tmp_path)
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr


@pytest.fixture(scope="module")
def two_networks(tmp_path_factory):
    """The result of a diagnosis of two networks, its folder, and references trained."""
    trained = []
    stages = _reference.Reference._candidate_stages
    out = tmp_path_factory.mktemp("two")
    models = ["--model", "mlp", "--model", "lenet"]
    options = ["--fail-on", "underfit", "--quiet", "--out", out]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            _reference.Reference,
            "_candidate_stages",
            lambda self, *args: trained.append(self) or stages(self, *args),
        )
        result = run(*QUICK, *models, "--reference", "auto", *options)
    return result, out, trained


@pytest.mark.slow
def test_unwanted_verdict_of_one_of_two_networks_exits_with_3(two_networks):
    result, out, _ = two_networks
    assert result.exit_code == 3, result.stderr
    assert (out / "report.html").exists()


@pytest.mark.slow
def test_two_networks_are_measured_against_one_reference(two_networks):
    assert len(set(two_networks[2])) == 1


@pytest.mark.parametrize("value", ["overfitting", "overfit,", ""])
def test_unknown_verdict_is_a_usage_error(tmp_path, value):
    out = tmp_path / "report"
    result = run("--fail-on", value, "--out", out)
    assert result.exit_code == 2
    words = " ".join(result.stderr.replace("│", " ").split())
    wrong = value.split(",")[-1]
    assert f"{wrong!r} is not one of underfit, overfit, both, good, inc" in words
    assert "--fail-on" in words
    assert not out.exists()


def test_help_says_which_status_and_which_verdicts():
    from skmnist.report._explanations import VERDICTS

    words = " ".join(run("--help").stdout.replace("│", " ").split())
    assert f"status 3 if the verdict is one of these: {', '.join(VERDICTS)}." in words


def test_ignored_finding_is_not_listed_and_keeps_the_verdict(tmp_path):
    result = run(*QUICK, "--ignore", "FIT04,FIT08", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    saved = json.loads((tmp_path / "diagnosis.json").read_text())
    assert saved["verdict"] == "underfit"
    assert "FIT04" not in [finding["code"] for finding in saved["findings"]]
    # The command that reproduces the report leaves the finding out, too.
    assert "--ignore FIT04,FIT08" in saved["command"]


def test_unknown_finding_is_a_usage_error(tmp_path):
    result = run("--ignore", "FIT4", "--out", tmp_path / "report")
    assert result.exit_code == 2
    assert "'FIT4' is not one of FIT01, FIT02" in result.stderr.replace("\n", " ")

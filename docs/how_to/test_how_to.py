"""Commands and scripts of the recipes run; pytest runs their Python blocks itself."""

import importlib.util
import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skmnist.cli import app

PAGES = sorted(Path(__file__).parent.glob("*.rst"))
COMMANDS = {
    page.stem: re.findall(r"^    \$ skmnist (.+)$", page.read_text(), re.MULTILINE)
    for page in PAGES
}
# What makes a command short, and changes nothing else.
QUICK = {
    "diagnose": ["--cv", "2", "--no-learning-curve", "--reference", "0.02"],
    "search": ["--cv", "2"],
    "train": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in COMMANDS if COMMANDS[page]])
def test_commands_run(page):
    """In their order, because a command may read what an earlier one has written."""
    for line in COMMANDS[page]:
        command = shlex.split(line)
        if command[0] in QUICK:
            command += ["--epochs", "1", *QUICK[command[0]]]
            if "--data" not in command:
                command += ["--samples", "200"]
        result = CliRunner().invoke(app, command)
        # 3 if the verdict is one that --fail-on names.
        assert result.exit_code == 0 or "--fail-on" in line, (line, result.stderr)
        assert result.exit_code in (0, 3), (line, result.stderr)
    written = re.findall(r"--(?:out|show) (\S+)", " ".join(COMMANDS[page]))
    assert all(Path(name).exists() for name in written)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
@pytest.mark.parametrize("package", ["tf2onnx"])
def test_onnx_recipe_runs(package):
    """The recipe compares the probabilities itself."""
    for name in (package, "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    page = runpy.run_path(str(Path(__file__).parent / "onnx_export.py"))
    assert (page["labels"] == page["pipe"].predict(page["X"])).mean() > 0.99

"""tools/check_changelog.py, in a repository made for each test."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "tools" / "check_changelog.py"
CHANGELOG = """# Changelog

## [Unreleased]

- An entry.

## [0.1.0]

- An old entry.
"""


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def commit(message):
    git("add", ".")
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    git(*identity, "commit", "--quiet", "--message", message)


@pytest.fixture
def branch(tmp_path, monkeypatch):
    """Be on a branch of a repository with a package and a changelog."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    Path("skmnist").mkdir()
    Path("skmnist/a.py").write_text("1\n")
    Path("README.md").write_text("Read me.\n")
    Path("CHANGELOG.md").write_text(CHANGELOG)
    commit("Begin")
    git("switch", "--quiet", "--create", "change")


def check():
    command = [sys.executable, SCRIPT, "main"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("committed", [True, False])
def test_change_of_the_package_without_an_entry_is_refused(branch, committed):
    Path("skmnist/a.py").write_text("2\n")
    if committed:
        commit("Change")
    done = check()
    assert done.returncode == 1
    assert "Add an entry" in done.stderr


def test_change_of_the_package_with_an_entry_is_accepted(branch):
    Path("skmnist/a.py").write_text("2\n")
    entry = "- An entry.\n- Another entry.\n"
    Path("CHANGELOG.md").write_text(CHANGELOG.replace("- An entry.\n", entry))
    assert check().returncode == 0


@pytest.mark.parametrize(
    "changed", [("- An old", "- Old"), ("- An entry.", "- An entry.\n")]
)
def test_old_entries_and_blank_lines_are_no_entry(branch, changed):
    Path("skmnist/a.py").write_text("2\n")
    Path("CHANGELOG.md").write_text(CHANGELOG.replace(*changed))
    assert check().returncode == 1


def test_change_elsewhere_needs_no_entry(branch):
    Path("README.md").write_text("Read.\n")
    commit("Reword")
    assert check().returncode == 0


def test_commit_message_may_declare_that_no_entry_is_needed(branch):
    Path("skmnist/a.py").write_text("2\n")
    commit("Rename a variable\n\nChangelog: none")
    assert check().returncode == 0

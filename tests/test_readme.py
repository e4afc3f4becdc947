"""The examples of the README run, and what it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_python_examples_run_and_print_what_the_readme_shows(capsys):
    names = {}
    for code in blocks("python"):
        exec(code, names)
    printed = capsys.readouterr().out.split()
    (shown,) = blocks("text")
    # Numbers differ between processors.
    assert words(printed)[:40] == words(shown.split())[:40]


def words(text):
    return [word for word in text if not re.search(r"\d", word)]


def test_files_named_in_the_readme_exist():
    named = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    named += re.findall(r"python ((?:examples|docs)/\S+\.py)", README)
    named += re.findall(r"`((?:docs|examples)/(?!_build)[\w/.]*|[A-Z]+\.md)`", README)
    assert len(named) > 15
    assert not [name for name in named if not (ROOT / name).exists()]

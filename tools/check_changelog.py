"""Check that a change of the package has an entry in CHANGELOG.md.

``python tools/check_changelog.py main`` compares the working tree with the commit at
which it left main. It fails if files of skmnist/ differ and the section *Unreleased*
does not, unless a commit message since then has the line ``Changelog: none``.
"""

import re
import subprocess
import sys
from pathlib import Path

CHANGELOG = "CHANGELOG.md"


def main(base):
    start = git("merge-base", base, "HEAD").strip()
    if not git("diff", "--name-only", start, "--", "skmnist"):
        return None
    if re.search(
        "^Changelog: none$", git("log", "--format=%B", f"{start}..HEAD"), re.M
    ):
        return None
    before = git("show", f"{start}:{CHANGELOG}") if has_changelog(start) else ""
    if unreleased(before) != unreleased(Path(CHANGELOG).read_text("utf-8")):
        return None
    return (
        f"skmnist/ has changed since {base}, and the section Unreleased of {CHANGELOG} "
        "has not. Add an entry, or the line 'Changelog: none' to a commit message."
    )


def unreleased(changelog):
    """Return the entries of the section Unreleased, without blank lines."""
    section = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    return [line for line in section[1].splitlines() if line] if section else []


def has_changelog(commit):
    return bool(git("ls-tree", commit, CHANGELOG))


def git(*arguments):
    command = ["git", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Build the wheel and the sdist, check them, and test the installed wheel.

Everything happens in a temporary folder: the environments are new, and the tests are
those of the sdist, from which the package was removed. `make dist-test` calls it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Quick, and independent of the source files.
TESTS = [
    "tests/datasets",
    "tests/preprocessing",
    "tests/persistence",
    "tests/report",
    "tests/test_architectures.py",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tests", nargs="*", default=TESTS, help="tests to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sdist, wheel = build(folder)
        check_same_files(sdist, wheel)
        test(folder, sdist, wheel, options.tests)
    print("The distributions are complete, and the installed wheel works.")


def build(folder):
    """Build both distributions in a new environment, check them, and return them."""
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    tools = requirements["project"]["optional-dependencies"]["dist"]
    python = new_environment(folder / "build", *tools)
    dist = folder / "dist"
    # Without further options, `build` makes the wheel from the sdist.
    run(python, "-m", "build", "--outdir", dist, ROOT)
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    run(python, "-m", "twine", "check", "--strict", sdist, wheel)
    run(python, "-m", "check_wheel_contents", wheel)
    direct = folder / "direct"
    run(python, "-m", "build", "--wheel", "--outdir", direct, ROOT)
    if contents(wheel) != contents(next(direct.glob("*.whl"))):
        raise SystemExit("The wheel made from the sdist differs from the checkout's.")
    return sdist, wheel


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_same_files(sdist, wheel):
    """Compare the files of the package in both distributions with those under git."""
    command = ["git", "ls-files", "-z", "skmnist"]
    tracked = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    expected = set(tracked.stdout.decode().strip("\0").split("\0"))
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    for path, found in ((sdist, names), (wheel, contents(wheel))):
        found = {name for name in found if name.startswith("skmnist/")}
        if found != expected:
            difference = ", ".join(sorted(found ^ expected))
            raise SystemExit(f"{path.name} and git differ in {difference}.")


def test(folder, sdist, wheel, tests):
    """Run the command line and tests with the installed wheel."""
    python = new_environment(folder / "installed", wheel)
    # Before the packages of the tests are there, so that none of them can be missing.
    skmnist = shutil.which("skmnist", path=python.parent)
    run(skmnist, "--version", cwd=folder)
    run(skmnist, "diagnose", "--epochs", "2", "--cv", "3", cwd=folder)
    for name in ("report.html", "diagnosis.json", "accuracy.png"):
        if not (folder / "skmnist-report" / name).is_file():
            raise SystemExit(f"`skmnist diagnose` wrote no {name}.")
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[test]")
    run(python, "-m", "pip", "check")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    (source,) = (folder / "sdist").iterdir()
    shutil.rmtree(source / "skmnist")
    pytest = shutil.which("pytest", path=python.parent)  # `python -m` adds the folder
    run(pytest, "-q", "-m", "not slow", *tests, cwd=source)


def new_environment(folder, *requirements):
    """Return the Python of a new virtual environment."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", *requirements)
    return python


def run(*command, cwd=None):
    print("$", *command, flush=True)
    # Neither the checkout nor the packages of the caller are importable.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=kept)
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed with status {done.returncode}.")


if __name__ == "__main__":
    main()

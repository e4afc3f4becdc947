"""What terminals of all kinds, pipes and files receive."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from skmnist.cli import _diagnose, _output, _search, _terminal, app

HEADERS = ("hidden_layer_sizes", "learning_rate", "Validation accuracy (%)")
ROWS = [("200x100x50", "0.001", "97.25"), ("50", "0.01", "100.00")]


def environment(**more):
    """Return the environment without what changes logs, colours and widths."""
    left_out = ("TF_CPP_MIN_LOG_LEVEL", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM")
    kept = {name: v for name, v in os.environ.items() if name not in left_out}
    return kept | {"TERM": "xterm-256color"} | more


def run_in_terminal(command, columns, **more):
    """Run a command in a terminal; return its exit code and what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)
    ) as process:
        os.close(theirs)
        shown = b""
        while data := _read(ours):
            shown += data
    os.close(ours)
    return process.returncode, shown.decode()


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's end of a terminal that nobody writes to
        return b""


def run_with_closed_pipe(*args):
    """Run a command whose standard output nobody reads."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", *map(str, args)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    os.close(write)
    return done


def shown_table(columns, encoding="utf-8", headers=HEADERS):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, force_terminal=True, color_system=None, width=columns)
    table = Table(*headers)
    for row in ROWS:
        table.add_row(*row)
    _terminal.print_table(console, table)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("columns", [100, 60, 40, 30, 20])
def test_table_fits_and_breaks_no_value(columns, encoding):
    shown = shown_table(columns, encoding)
    assert max(map(len, shown.splitlines())) <= columns
    for cell in (cell for row in ROWS for cell in row):
        assert cell in shown
    assert "…" not in shown


def test_narrow_table_breaks_headings_between_words():
    assert "hidden_layer_sizes" in shown_table(100)
    words = shown_table(45).split()
    for word in ("hidden_", "layer_", "sizes", "learning_", "Validation", "accuracy"):
        assert word in words


def test_pipe_gets_whole_lines_without_escapes(capsys):
    console = _terminal.output_console()
    sentence = "many words " * 50
    console.print(f"[bold red]{sentence}[/]")
    assert capsys.readouterr().out == f"{sentence}\n"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("ascii", b"28x28 ... -1.5 2 cafe ? \xe9"),
        ("latin-1", b"28\xd728 ... -1.5 \xb2 caf\xe9 ? \xe9"),
        ("utf-8", "28×28 … −1.5 ² café 漢 ".encode() + b"\xe9"),
    ],
)
def test_any_encoding_can_write_any_text(monkeypatch, encoding, written):
    streams = {}
    for name, errors in ("stdout", "strict"), ("stderr", "backslashreplace"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)
        streams[name] = stream
        monkeypatch.setattr(sys, name, stream)
    _terminal.set_encoding_errors()
    for stream in streams.values():
        stream.write("28×28 … −1.5 ² café 漢 \udce9")
        stream.flush()
        assert stream.buffer.getvalue() == written


def test_error_handler_that_the_user_chose_is_kept(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="namereplace")
    monkeypatch.setattr(sys, "stdout", stream)
    _terminal.set_encoding_errors()
    assert stream.errors == "namereplace"


def test_commands_write_to_an_ascii_terminal():
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", "search", "--help"],
        capture_output=True,
        env=environment(PYTHONIOENCODING="ascii", LC_ALL="C"),
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"--halving" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["search", "--help"]])
def test_closed_pipe_ends_quietly(command):
    assert run_with_closed_pipe(*command).stderr == ""


@pytest.mark.slow
def test_closed_pipe_keeps_what_was_written(tmp_path):
    options = ["--samples", 100, "--epochs", 1, "--out", tmp_path / "model"]
    done = run_with_closed_pipe("train", *options)
    assert (done.returncode, done.stderr) == (1, "")
    assert (tmp_path / "model").stat().st_size > 0


@pytest.mark.slow
def test_training_in_a_terminal_shows_progress_and_no_log(tmp_path):
    options = ["--samples", "1000", "--epochs", "30", "--out", str(tmp_path / "model")]
    command = [sys.executable, "-m", "skmnist", "train", *options]
    code, shown = run_in_terminal(command, 60, NO_COLOR="1")
    assert code == 0, shown
    assert "Epoch 30 of 30" in shown
    assert not re.search(r"\x1b\[[\d;]*(3[0-7]|9[0-7]|38|48)[\d;]*m", shown)
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
    assert max(map(len, lines[:-1])) <= 60
    known = ("Training", "Epoch ", "┏", "┃", "┡", "│", "└", "Saved ")
    # A long path is wrapped by the terminal itself.
    assert [line for line in lines if not line.startswith(known)] == []


@pytest.fixture
def report(tmp_path):
    """The paths of a report."""
    paths = [tmp_path / "report.html", tmp_path / "results.csv"]
    for path in paths:
        path.write_text("")
    return paths


def test_path_of_report_is_printed_last(report, capsys):
    _output.print_paths(report)
    assert capsys.readouterr().out == (f"Beside it: results.csv\nReport: {report[0]}\n")


def test_path_of_report_is_a_link_in_a_terminal(report):
    code = (
        "import sys, pathlib; from skmnist.cli import _output\n"
        "_output.print_paths([pathlib.Path(p) for p in sys.argv[1:]])"
    )
    command = [sys.executable, "-c", code, *map(str, report)]
    code, shown = run_in_terminal(command, 60)
    assert code == 0
    link = re.search(r"\x1b\]8;[^;]*;([^\x1b]*)\x1b\\([^\x1b]*)\x1b\]8;;", shown)
    assert link[1] == report[0].as_uri()
    assert link[2] == str(report[0])
    assert shown.rstrip().endswith("\x1b]8;;\x1b\\")


def test_open_opens_the_report(report, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    _output.print_paths(report)
    assert opened == []
    _output.open_report(report[0])
    assert opened == [report[0].as_uri()]
    assert capsys.readouterr().err == ""


def test_open_without_a_browser_is_one_sentence(report, monkeypatch, capsys):
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    _output.open_report(report[0])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"No browser could be opened: open {report[0]} in one.\n"


@pytest.mark.parametrize("command", ["diagnose", "search"])
def test_open_is_an_option_and_not_recorded(report, monkeypatch, command):
    opened, commands = [], []

    def write(*args, command, **kwargs):
        commands.append(command)
        return report

    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    diagnosis = SimpleNamespace(verdict="good")
    monkeypatch.setattr(_diagnose, "_run", lambda task: ({"mlp": diagnosis}, {}))
    monkeypatch.setattr("skmnist.report.write_report", write)
    monkeypatch.setattr(_search, "_run", lambda *args: None)
    for module in (_diagnose, _search):
        monkeypatch.setattr(module, "_advise", lambda *args: [])
    monkeypatch.setattr("skmnist.search.diagnose_search", lambda *args: None)
    monkeypatch.setattr("skmnist.search._report.write_search", write)
    monkeypatch.setattr(_output, "print_search", lambda diagnosis: None)
    monkeypatch.setattr(_output, "print_diagnosis", lambda *args: None)
    options = ["--open", "--out", str(report[0].parent / "out")]
    if command == "search":
        options += ["--grid", "epochs=1,2"]
    result = CliRunner().invoke(app, [command, *options])
    assert result.exit_code == 0, result.stderr
    assert opened == [report[0].as_uri()]
    assert "--open" not in commands[0]


def test_failed_download_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("SKMNIST_MNIST_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("skmnist.datasets._mnist._ORIGIN", "http://127.0.0.1:1/mnist")
    result = CliRunner().invoke(
        app, ["train", "--data", "mnist", "--out", str(tmp_path / "model")]
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: Keras could not download MNIST (")
    assert len(result.stderr.splitlines()) == 1
    assert "SKMNIST_MNIST_DIR" in result.stderr
    assert "a folder with train-images-idx3-ubyte" in result.stderr

"""The report of a diagnosis as a folder of figures, tables and a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skmnist._atomic import replacing
from skmnist.report._figures import drawings_of
from skmnist.report._page import render_page
from skmnist.report._provenance import as_json, origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skmnist._typing import PathLike
    from skmnist.diagnosis import FitDiagnosis


#: The files of a report folder. Nothing else in the folder is ever touched.
FILES = (
    "report.html",
    "accuracy.png",
    "loss.png",
    "learning_curve.png",
    "confusion_matrix.png",
    "results.csv",
    "diagnosis.json",
)

#: What an interrupted command leaves instead; the next report removes it.
PARTIAL_FILE = "partial_results.csv"


def write_report(
    diagnosis: FitDiagnosis,
    folder: PathLike,
    *,
    command: str | None = None,
    configuration: Mapping[str, str] | None = None,
    advice: Sequence[tuple[str, str]] = (),
) -> list[Path]:
    """Write the report of a diagnosis into a folder.

    Each file is replaced in one step, so that no file is ever incomplete. Figures have
    300 dots per inch. A figure without data (``learning_curve.png`` without a learning
    curve, ``loss.png`` of a classifier without probabilities) is not written, and a
    figure of an earlier report is removed. Other files in the folder are kept.

    Parameters
    ----------
    diagnosis : FitDiagnosis
        The result of `diagnose_fit`.
    folder : path-like
        Created if it does not exist.
    command : str, default=None
        The command that makes this report, for the page.
    configuration : dict, default=None
        Settings by name, for the page.
    advice : sequence of (str, str), default=()
        What to type next: the purpose of each command, and the command.

    Returns
    -------
    paths : list of pathlib.Path
        The files written.

    Raises
    ------
    OSError
        If the folder or a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> from skmnist.report import write_report
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_report(diagnosis, folder)
    >>> [path.name for path in paths][:3]
    ['report.html', 'accuracy.png', 'loss.png']
    """
    drawings = drawings_of(diagnosis)
    made = origin(command, configuration or diagnosis.configuration, advice)
    page = render_page(diagnosis, drawings, made)
    pictures = {
        f"{name}.png": drawing.png
        for name, drawing in drawings.items()
        if f"{name}.png" in FILES
    }
    content = {
        "report.html": page.encode(),
        **pictures,
        "results.csv": diagnosis.folds.to_csv(index=False).encode(),
        "diagnosis.json": as_json({**diagnosis.to_dict(), **made}),
    }
    return write_files(folder, (*FILES, PARTIAL_FILE), content)


def write_files(folder, names, content):
    """Write files in one step each, and remove files of an earlier report.

    Parameters
    ----------
    folder : path-like
        Created if it does not exist.
    names : sequence of str
        The files that a report of this kind can have.
    content : dict of str to bytes
        The files of this report.

    Returns
    -------
    paths : list of pathlib.Path
        The files written, in the order of the names.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in content:
            with replacing(folder / name) as file:
                file.write(content[name])
        else:
            (folder / name).unlink(missing_ok=True)
    return [folder / name for name in names if name in content]

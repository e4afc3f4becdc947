"""Where a command's result goes: checked before the work, and kept after Ctrl-C."""

from contextlib import contextmanager

import typer

from skmnist._atomic import replacing
from skmnist.cli._app import print_error


def check_folder(folder, overwrite):
    """Raise OSError if a report cannot be written to a folder."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: pass a folder with --out.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder {folder} exists and is not empty: pass another folder with "
            "--out, or use --overwrite to replace the report in it."
        )


def check_file(file, overwrite):
    """Raise OSError if a file cannot be written."""
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder: pass a file with --out.")
    if file.exists() and not overwrite:
        raise FileExistsError(
            f"The file {file} exists: pass another file with --out, or use --overwrite "
            "to replace it."
        )
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"The folder {file.parent} of the file {file.name} does not exist."
        )


@contextmanager
def created_folder(folder):
    """Create a folder before the work, so that an error is reported before it.

    A new folder that is still empty at the end is removed.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def stop(folder, table, progress):
    """End a command after Ctrl-C, and save what is finished.

    Parameters
    ----------
    folder : pathlib.Path
    table : DataFrame
        A row per finished fit.
    progress : str
        How much was finished: "after 2 of 5 folds".
    """
    from skmnist.report._folder import PARTIAL_FILE

    if len(table):
        path = folder / PARTIAL_FILE
        with replacing(path) as file:
            file.write(table.to_csv(index=False).encode())
        print_error(f"Stopped {progress}: saved {path}.")
    else:
        print_error("Stopped before anything was finished: nothing was saved.")
    raise typer.Exit(130)

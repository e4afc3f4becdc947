"""Options that several commands share: the data, the settings, and what is printed."""

import glob
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

_DATA, _NETWORK, _OUTPUT = "Data", "Network", "Output"


def flag(name, help, panel=_OUTPUT):
    """Return the option of a flag."""
    return typer.Option(name, help=help, rich_help_panel=panel)


def complete_data(incomplete: str):
    """Return what --data may name that begins with some text."""
    names = [name for name in ("digits", "mnist") if name.startswith(incomplete)]
    paths = sorted(glob.glob(f"{glob.escape(incomplete)}*"))
    return names + [f"{path}/" if os.path.isdir(path) else path for path in paths]


def complete_setting(incomplete: str):
    """Return the hyperparameters that begin with some text, ready for a value."""
    from skmnist.classifiers import KerasMLPClassifier, LeNetClassifier
    from skmnist.cli._grid import NOT_SEARCHED

    params = KerasMLPClassifier().get_params() | LeNetClassifier().get_params()
    names = sorted(set(params) - set(NOT_SEARCHED))
    return [f"{name}=" for name in names if name.startswith(incomplete)]


class Model(StrEnum):
    """The networks to choose from."""

    mlp = "mlp"
    lenet = "lenet"


ModelOption = Annotated[
    Model,
    typer.Option(
        help="Multilayer perceptron, or LeNet-style CNN.", rich_help_panel=_NETWORK
    ),
]
DataOption = Annotated[
    str,
    typer.Option(
        metavar="DATA",
        help="digits (embedded), mnist, a folder of pictures or IDX files, or a CSV, "
        "parquet or npz file.",
        autocompletion=complete_data,
        rich_help_panel=_DATA,
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Epochs.",
        show_default="5 for mlp, 10 for lenet",
        rich_help_panel=_NETWORK,
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Batch size.",
        show_default="32 for mlp, 128 for lenet",
        rich_help_panel=_NETWORK,
    ),
]
JobsOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Number of fits at once, in threads.",
        show_default="as many as cores",
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Run the fits on the workers of the Dask scheduler at this address.",
    ),
]
SamplesOption = Annotated[
    int | None,
    typer.Option(
        min=2,
        metavar="N",
        help="Use this many images, stratified by class.",
        show_default="all",
        rich_help_panel=_DATA,
    ),
]
SeedOption = Annotated[
    int,
    typer.Option(min=0, max=2**32 - 1, metavar="N", help="Seed of everything random."),
]
ReportOption = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER", help="Folder for the report.", rich_help_panel=_OUTPUT
    ),
]
OverwriteOption = Annotated[
    bool, flag("--overwrite", "Replace the files of an earlier run.")
]
OpenOption = Annotated[bool, flag("--open", "Open the report in the browser.")]
LabelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column of the labels of a CSV or parquet file, by name or number.",
        rich_help_panel=_DATA,
    ),
]
GroupsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column (or array of an npz file) of groups such as writers, which are "
        "never divided between training and validation.",
        rich_help_panel=_DATA,
    ),
]
ImageShapeOption = Annotated[
    str | None,
    typer.Option(
        metavar="HxW[xC]",
        help="Scale pictures to this size, such as 28x28, or lay out flat rows.",
        rich_help_panel=_DATA,
    ),
]
TransposeOption = Annotated[
    bool, flag("--transpose", "Exchange rows and columns, as EMNIST requires.", _DATA)
]
FormatOption = Annotated[
    bool,
    flag("--mnist-format", "Bring each image into the format of MNIST.", _DATA),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Hyperparameter of the network, such as dropout=0.3 or "
        "hidden_layer_sizes=300x100. May be repeated.",
        autocompletion=complete_setting,
        rich_help_panel=_NETWORK,
    ),
]
FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="SEARCH",
        help="Take network, data and best values from a search: its folder, or the "
        "search.json in it. Other options replace them.",
        rich_help_panel=_NETWORK,
    ),
]
FoldsOption = Annotated[
    str,
    typer.Option(
        metavar="N[xR]",
        help="Number of stratified folds; 5x3 repeats 5 folds 3 times.",
    ),
]
QuietOption = Annotated[bool, flag("--quiet", "Print nothing but errors and warnings.")]
JsonOption = Annotated[
    bool, flag("--json", "Print the result as JSON instead of tables.")
]

#: Parameters of a command that say which data to read.
DATA_PARAMETERS = (
    "data",
    "label",
    "groups",
    "image_shape",
    "transpose",
    "mnist_format",
)


class Folds(NamedTuple):
    """Number of folds of a cross-validation, and how often it is repeated."""

    n_folds: int
    n_repeats: int = 1

    @property
    def n_splits(self):
        """Number of trainings of one model."""
        return self.n_folds * self.n_repeats

    def __str__(self):
        repeated = f", repeated {self.n_repeats} times" if self.n_repeats > 1 else ""
        return f"{self.n_folds} stratified folds, shuffled{repeated}"


def parse_folds(text):
    """Read the value of --cv.

    Raises
    ------
    typer.BadParameter
        If it is not like 5 or 5x3, with at least two folds.

    Examples
    --------
    >>> from skmnist.cli._options import parse_folds
    >>> parse_folds("5x3")
    Folds(n_folds=5, n_repeats=3)
    """
    numbers = _whole_numbers(text)
    if len(numbers) not in (1, 2) or numbers[0] < 2 or numbers[-1] < 1:
        raise typer.BadParameter(
            f"{text!r} is not a number of folds, from 2, such as 5, or 5x3 for 5 folds "
            "repeated 3 times.",
            param_hint="--cv",
        )
    return Folds(*numbers)


def parse_image_shape(text):
    """Read the value of --image-shape, a tuple of int or None.

    Raises
    ------
    typer.BadParameter
        If it is not like 28x28 or 32x32x3.
    """
    if text is None:
        return None
    numbers = _whole_numbers(text)
    if len(numbers) not in (2, 3) or min(numbers) < 1:
        raise typer.BadParameter(
            f"{text!r} is not the shape of an image, such as 28x28 or 32x32x3.",
            param_hint="--image-shape",
        )
    return tuple(numbers)


def parse_reference(text):
    """Read the value of --reference: "auto" or a known error in [0, 1).

    Raises
    ------
    typer.BadParameter
    """
    if text == "auto":
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1:
        raise typer.BadParameter(
            f"{text!r} is neither auto nor an error from 0 to below 1, such as 0.02.",
            param_hint="--reference",
        )
    return value


def parse_words(texts, known, param_hint):
    """Read an option that may be repeated, with one or several words each time.

    Parameters
    ----------
    texts : list of str or None
        Words separated by commas.
    known : iterable of str
        The words that are allowed.
    param_hint : str
        The option, for the message.

    Returns
    -------
    words : tuple of str

    Raises
    ------
    typer.BadParameter
        If a word is not known.

    Examples
    --------
    >>> from skmnist.cli._options import parse_words
    >>> parse_words(["both, good", "overfit"], ["both", "good", "overfit"], "--of")
    ('both', 'good', 'overfit')
    """
    known = tuple(known)
    words = [word.strip() for text in texts or [] for word in text.split(",")]
    for word in words:
        if word not in known:
            raise typer.BadParameter(
                f"{word!r} is not one of {', '.join(known)}.", param_hint=param_hint
            )
    return tuple(words)


def _whole_numbers(text):
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        return []
    return list(map(int, parts))

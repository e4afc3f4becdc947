"""The command that predicts images with a saved network."""

from pathlib import Path
from typing import Annotated

import typer

from skmnist._atomic import replacing
from skmnist.cli._app import examples, print_error
from skmnist.cli._folders import check_file
from skmnist.cli._model import ModelArgument, load_model
from skmnist.cli._options import (
    JsonOption,
    LabelOption,
    OverwriteOption,
    QuietOption,
    TransposeOption,
)

FilesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Pictures, a folder of pictures, a pattern such as 'scans/*.png', or an "
        "npy, npz, IDX, CSV or parquet file.",
    ),
]
PicturesOption = Annotated[
    bool | None,
    typer.Option(
        "--mnist-format/--no-mnist-format",
        help="Bring images into the format of MNIST, or only scale pictures.",
        show_default="as the model was trained",
    ),
]


@examples(
    "skmnist predict digits.skmnist photo.png --show seen.png",
    "skmnist predict lenet.skmnist 'scans/*.jpg' --out predictions.csv",
    "skmnist predict lenet.skmnist test.csv --json",
)
def predict(
    model: ModelArgument,
    files: FilesArgument,
    mnist_format: PicturesOption = None,
    label: LabelOption = None,
    transpose: TransposeOption = False,
    show: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="PNG file for the images as the network sees them.",
            rich_help_panel="Output",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV file for the predictions.",
            show_default="standard output",
            rich_help_panel="Output",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
):
    """Write the predicted label of each image and its probability, as CSV.

    Images are brought into the format of MNIST if `skmnist train` did so. Pictures are,
    too, for a network that was trained on MNIST or on other images of 28×28 pixels with
    a dark background.
    """
    for file in (out, show):
        if file is not None:
            check_file(file, overwrite)
    pipeline = load_model(model)
    import pandas as pd

    from skmnist.cli import _inputs

    inputs = _inputs.read_inputs(
        files, pipeline, _inputs.Options(mnist_format, transpose, label)
    )
    for sentence in [*inputs.left_out, *([] if quiet else inputs.notes)]:
        print_error(sentence)
    probabilities = pipeline.predict_proba(inputs.images)
    table = pd.DataFrame(
        {
            "image": inputs.names,
            "label": pipeline.classes_[probabilities.argmax(axis=1)],
            "probability": probabilities.max(axis=1),
        }
    )
    if show is not None:
        with replacing(show) as opened:
            _inputs.write_picture(inputs.images, opened)
    if json:
        text = table.to_json(orient="records", force_ascii=False, indent=2) + "\n"
    else:
        text = table.to_csv(index=False, float_format="%.6f")
    if out is None:
        typer.echo(text, nl=False)
    else:
        with replacing(out) as opened:
            opened.write(text.encode())

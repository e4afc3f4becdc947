"""The command that predicts images with a saved network."""

from pathlib import Path
from typing import Annotated

import typer

from skmnist._atomic import replacing
from skmnist.cli._app import OverwriteOption
from skmnist.cli._folders import check_file
from skmnist.cli._model import ModelArgument, load_model


def predict(
    model: ModelArgument,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Images: an npy, npz or IDX file."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="CSV file.", show_default="standard output")
    ] = None,
    overwrite: OverwriteOption = False,
):
    """Write the predicted label of each image and its probability, as CSV."""
    if out is not None:
        check_file(out, overwrite)
    pipeline = load_model(model)
    import pandas as pd

    from skmnist.cli import _data

    images = _data.read_images(file, pipeline[0].image_shape_)
    probabilities = pipeline.predict_proba(images)
    table = pd.DataFrame(
        {
            "label": pipeline.classes_[probabilities.argmax(axis=1)],
            "probability": probabilities.max(axis=1),
        }
    )
    csv = table.to_csv(index_label="image", float_format="%.6f")
    if out is None:
        typer.echo(csv, nl=False)
    else:
        with replacing(out) as opened:
            opened.write(csv.encode())

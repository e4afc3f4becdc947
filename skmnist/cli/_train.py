"""The commands that make a network and use it: train, evaluate, predict."""

from pathlib import Path
from typing import Annotated

import typer

from skmnist._atomic import replacing
from skmnist.cli._app import (
    BatchSizeOption,
    DataOption,
    EpochsOption,
    Model,
    ModelOption,
    OverwriteOption,
    SamplesOption,
    SeedOption,
    app,
    check_file,
    complain,
)

ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A file that `skmnist train` saved.")
]


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="File for the model.")],
    model: ModelOption = Model.mlp,
    data: DataOption = "digits",
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    samples: SamplesOption = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
):
    """Train a network and save it.

    It trains on the training part: MNIST's training images, or four fifths of other
    data. `skmnist evaluate` scores it on the rest. After Ctrl-C, what has been learned
    so far is saved.
    """
    check_file(out, overwrite)
    from skmnist.cli import _data, _output
    from skmnist.persistence import save

    part, _ = _data.load_parts(data)
    images, y = _data.subsample(*part, samples, seed)
    pipeline = _data.make_model(
        model.value, images, epochs=epochs, batch_size=batch_size, seed=seed
    )
    stopped = False
    with _output.epoch_progress(pipeline[-1]):
        try:
            pipeline.fit(images, y)
        except KeyboardInterrupt:
            if not hasattr(pipeline[-1], "n_iter_"):
                raise
            stopped = True
    save(pipeline, out)
    if stopped:
        network = pipeline[-1]
        complain(
            f"Stopped after {network.n_iter_} of {network.epochs} epochs: saved {out}."
        )
        raise typer.Exit(130)
    _output.print_scores({"Train": (images, y)}, pipeline)
    typer.echo(f"Saved {out}")


@app.command()
def evaluate(
    model: ModelArgument,
    data: DataOption = "digits",
    samples: Annotated[
        int | None,
        typer.Option(
            min=2, help="What --samples was in `skmnist train`.", show_default="all"
        ),
    ] = None,
):
    """Score a saved network on the images it was trained on, and on others.

    The test part is never trained on by `skmnist train`.
    """
    pipeline = _load_model(model)
    from skmnist.cli import _data, _output

    part, test = _data.load_parts(data)
    seed = getattr(pipeline[-1], "random_state", 0)
    part = _data.subsample(*part, samples, seed)
    _output.print_scores({"Train": part, "Test": test}, pipeline)


@app.command()
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
    """Write the label and its probability for each image, as CSV."""
    if out is not None:
        check_file(out, overwrite)
    pipeline = _load_model(model)
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
        with replacing(out) as file:
            file.write(csv.encode())


def _load_model(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}: `skmnist train --out {path}` makes one."
        )
    from skmnist.persistence import load

    return load(path)

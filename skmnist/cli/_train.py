"""The command that trains a network and saves it."""

from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._app import (
    BatchSizeOption,
    DataOption,
    EpochsOption,
    Model,
    ModelOption,
    OverwriteOption,
    SamplesOption,
    SeedOption,
    load_backend,
    print_error,
)
from skmnist.cli._folders import check_file


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
    data. `skmnist evaluate` scores it on the rest. After Ctrl-C, the network is saved
    as trained so far.
    """
    check_file(out, overwrite)
    from skmnist.cli import _data, _output, _progress
    from skmnist.persistence import save

    part, _ = _data.load_parts(data)
    images, y = _data.subsample(*part, samples, seed)
    pipeline = _data.make_model(
        model.value, images, epochs=epochs, batch_size=batch_size, seed=seed
    )
    load_backend()
    stopped = False
    with _progress.epoch_progress(pipeline[-1]):
        try:
            pipeline.fit(images, y)
        except KeyboardInterrupt:
            if not hasattr(pipeline[-1], "n_iter_"):
                raise
            stopped = True
    save(pipeline, out)
    if stopped:
        network = pipeline[-1]
        print_error(
            f"Stopped after {network.n_iter_} of {network.epochs} epochs: saved {out}."
        )
        raise typer.Exit(130)
    _output.print_scores({"Train": (images, y)}, pipeline)
    typer.echo(f"Saved {out}")

"""The command that trains a network and saves it."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._app import examples, load_backend, print_error, print_label_notes
from skmnist.cli._folders import check_file
from skmnist.cli._options import (
    BatchSizeOption,
    DataOption,
    EpochsOption,
    FormatOption,
    FromOption,
    GroupsOption,
    ImageShapeOption,
    JsonOption,
    LabelOption,
    Model,
    ModelOption,
    OverwriteOption,
    QuietOption,
    SamplesOption,
    SeedOption,
    SetOption,
    TransposeOption,
)


@examples(
    "skmnist train --out digits.skmnist",
    "skmnist train --model lenet --data mnist --epochs 12 --out lenet.skmnist",
    "skmnist train --data photos/ --mnist-format --set dropout=0.3 --out own.skmnist",
    "skmnist train --from skmnist-search --out best.skmnist",
)
def train(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File for the model.")],
    model: ModelOption = Model.mlp,
    settings: SetOption = None,
    from_search: FromOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    data: DataOption = "digits",
    label: LabelOption = None,
    groups: GroupsOption = None,
    image_shape: ImageShapeOption = None,
    transpose: TransposeOption = False,
    mnist_format: FormatOption = False,
    samples: SamplesOption = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
):
    """Train a network and save it.

    It trains on the training part: MNIST's training images, the training part of files
    that are divided, or four fifths of other data. `skmnist evaluate` scores it on the
    rest. After Ctrl-C, the network is saved as trained so far.
    """
    check_file(out, overwrite)
    from skmnist.cli import _data, _inputs, _output, _progress
    from skmnist.cli._settings import choose
    from skmnist.persistence import save

    choice = choose(ctx, [model.value])
    part, _ = _data.load_parts(choice.data)
    part = _data.subsample(part, samples, seed)
    pipeline = _data.make_model(choice.models[0], part, choice.settings, seed)
    if not quiet:
        print_label_notes(part)
    load_backend()
    stopped = False
    progress = _progress.epoch_progress(pipeline[-1])
    with contextlib.nullcontext() if quiet else progress:
        try:
            pipeline.fit(part.images, part.y)
        except KeyboardInterrupt:
            if not hasattr(pipeline[-1], "n_iter_"):
                raise
            stopped = True
    _inputs.record(pipeline, part, choice.data.get("mnist_format"))
    save(pipeline, out)
    if stopped:
        network = pipeline[-1]
        print_error(
            f"Stopped after {network.n_iter_} of {network.epochs} epochs: saved {out}."
        )
        raise typer.Exit(130)
    if quiet and not json:
        return
    scores = _output.score({"Train": part}, pipeline)
    if json:
        _output.print_record({"model": str(out), "scores": scores})
    else:
        _output.print_scores(scores)
        typer.echo(f"Saved {out}")

"""The command that scores a saved network."""

from typing import Annotated

import typer

from skmnist.cli._app import examples, print_label_notes
from skmnist.cli._model import ModelArgument, load_model
from skmnist.cli._options import (
    DATA_PARAMETERS,
    DataOption,
    FormatOption,
    GroupsOption,
    ImageShapeOption,
    JsonOption,
    LabelOption,
    TransposeOption,
)


@examples(
    "skmnist evaluate digits.skmnist",
    "skmnist evaluate lenet.skmnist --data mnist",
    "skmnist evaluate own.skmnist --data photos/ --mnist-format --json",
)
def evaluate(
    ctx: typer.Context,
    model: ModelArgument,
    data: DataOption = "digits",
    label: LabelOption = None,
    groups: GroupsOption = None,
    image_shape: ImageShapeOption = None,
    transpose: TransposeOption = False,
    mnist_format: FormatOption = False,
    samples: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="The --samples of `skmnist train`.",
            show_default="all",
            rich_help_panel="Data",
        ),
    ] = None,
    json: JsonOption = False,
):
    """Score a saved network on the images that it was trained on, and on others.

    The test part is never trained on by `skmnist train`. Pass the same options for the
    data as to `skmnist train`.
    """
    pipeline = load_model(model)
    from skmnist.cli import _data, _output

    options = {n: v for n, v in ctx.params.items() if n in DATA_PARAMETERS}
    part, test = _data.load_parts(options)
    print_label_notes(part)
    seed = getattr(pipeline[-1], "random_state", 0)
    part = _data.subsample(part, samples, seed)
    scores = _output.score({"Train": part, "Test": test}, pipeline)
    if json:
        _output.print_record({"model": str(model), "scores": scores})
    else:
        _output.print_scores(scores)

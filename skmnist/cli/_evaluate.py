"""The command that scores a saved network."""

from typing import Annotated

import typer

from skmnist.cli._app import DataOption
from skmnist.cli._model import ModelArgument, load_model


def evaluate(
    model: ModelArgument,
    data: DataOption = "digits",
    samples: Annotated[
        int | None,
        typer.Option(
            min=2, help="The --samples of `skmnist train`.", show_default="all"
        ),
    ] = None,
):
    """Score a saved network on the images that it was trained on, and on others.

    The test part is never trained on by `skmnist train`.
    """
    pipeline = load_model(model)
    from skmnist.cli import _data, _output

    part, test = _data.load_parts(data)
    seed = getattr(pipeline[-1], "random_state", 0)
    part = _data.subsample(*part, samples, seed)
    _output.print_scores({"Train": part, "Test": test}, pipeline)

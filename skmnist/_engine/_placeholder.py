"""Placeholder for user code that a saved file does not contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class Placeholder:
    """A builder, callback or loss that a saved file names but does not contain.

    Parameters
    ----------
    name : str
        The import path of the code.
    """

    __module__ = "skmnist.persistence"

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<not saved: {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f"{self.name} was not saved with this classifier, because saved files "
            "contain no user code. The classifier can still predict; to train it, set "
            "the parameter again."
        )

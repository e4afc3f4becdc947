"""What results have in common: a page as a file, and a card in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skmnist._atomic import replacing

if TYPE_CHECKING:
    from skmnist._typing import PathLike


class HTMLMixin:
    """Mixin of results with a page and a card.

    A class has the methods `_render_page` and `_render_card`, which return HTML, and
    `__str__`.
    """

    def to_html(self, path: PathLike) -> None:
        """Write the report as one HTML file.

        Parameters
        ----------
        path : path-like
            The file to write, replaced if it exists.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with replacing(path) as file:
            file.write(self._render_page().encode())

    def _repr_html_(self):
        return self._render_card()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """Return the card, and the text for a notebook that shows no HTML."""
        return {"text/plain": str(self), "text/html": self._repr_html_()}

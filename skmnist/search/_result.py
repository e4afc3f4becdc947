"""The result of a diagnosis of a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skmnist._estimate import percent
from skmnist.report._html import HTMLMixin
from skmnist.report._provenance import as_plain
from skmnist.search._candidates import (
    Edge,
    Order,
    Scores,
    simplest_near,
    within_one_error,
)
from skmnist.search._values import is_number, short_names, written, written_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class SearchDiagnosis(HTMLMixin):
    """The result of `diagnose_search`.

    Scores are those that chose the best candidate, higher being better; accuracies and
    errors are fractions, times seconds.

    Attributes
    ----------
    best : dict
        Parameters of the best candidate, with the names that `set_params` takes.
    best_score, standard_error : float
        Its mean validation score, and the standard error of that over the splits.
    simplest : dict or None
        The simplest candidate within one standard error of the best, which may be the
        best itself. None if no parameter has an order of complexity.
    simplest_score : float or None
    ordered : list of str
        Parameters with an order of complexity.
    edges : list of Edge
        Parameters whose best value is the lowest or highest tried, with `name`,
        `value`, `side` and `values`.
    results : DataFrame
        A row per candidate: its parameters, train and validation score with their
        standard errors over splits, fit_time, and rank; of a halving search also round
        (from 1) and the resource. Parameters have their names without those of the
        steps of a Pipeline, if that leaves them different.
    curves : dict of str to DataFrame
        For each parameter with several values, the others as in the best candidate:
        value (as text), fold (from 1), and the scores. Of a halving search, the first
        round. Parameters are named as in `results`.
    scoring : str
        The name of the score.
    n_fits : int
        Fits of the search, without the final one.
    sentences : list of str
        What to take from the search.
    data : dict of str to dict
        "shape", "dtype" and "sha256" of X and y.
    configuration : dict of str to str
        The estimator and the class of the search as text.
    """

    __module__ = "skmnist.search"

    scores: Scores
    order: Order
    edges: list[Edge]
    fit_times: np.ndarray
    resource: tuple[str, np.ndarray] | None
    data: dict[str, Any]
    configuration: dict[str, str] = field(default_factory=dict)

    @property
    def scoring(self) -> str:
        """str: the name of the score."""
        return self.scores.scoring

    @property
    def best(self) -> dict[str, Any]:
        """dict: parameters of the best candidate."""
        return dict(self.scores.points[self.scores.best])

    @cached_property
    def best_score(self) -> float:
        """float: mean validation score of the best candidate."""
        return float(np.mean(self.scores.validation[self.scores.best]))

    @property
    def standard_error(self) -> float:
        """float: standard error of `best_score` over the splits."""
        return self.scores.standard_error

    @property
    def ordered(self) -> list[str]:
        """List of str: parameters with an order of complexity."""
        return list(self.order.levels)

    @property
    def n_fits(self) -> int:
        """int: fits of the search, without the final one."""
        return int(self.scores.validation.size)

    @cached_property
    def _simplest(self):
        """The number of the simplest candidate near the best, or None."""
        if not self.order.levels:
            return None
        last = self.scores.last
        best = list(last).index(self.scores.best)
        means = self.scores.validation.mean(axis=1)[last]
        near = within_one_error(means, best, self.standard_error)
        points = [self.scores.points[i] for i in last]
        place = simplest_near(points, near, best, self.order)
        return None if place is None else int(last[place])

    @property
    def simplest(self) -> dict[str, Any] | None:
        """Dict or None: the simplest candidate within one standard error."""
        if self._simplest is None:
            return None
        return dict(self.scores.points[self._simplest])

    @property
    def simplest_score(self) -> float | None:
        """Float or None: mean validation score of the simplest candidate."""
        if self._simplest is None:
            return None
        return float(np.mean(self.scores.validation[self._simplest]))

    @cached_property
    def _labels(self):
        """What parameters are called in tables and sentences, by their names."""
        return short_names(dict.fromkeys(n for p in self.scores.points for n in p))

    def labelled(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Return a candidate's parameters with the names of tables and sentences.

        Parameters
        ----------
        point : dict
            Parameters with the names that `set_params` takes.

        Returns
        -------
        labelled : dict
            The same values, without the names of steps if that is unique.
        """
        return {self._labels[name]: value for name, value in point.items()}

    @property
    def has_simpler(self) -> bool:
        """Whether a candidate other than the best is to be preferred."""
        return self._simplest not in (None, self.scores.best)

    @property
    def quantity(self) -> str:
        """What the columns of scores are called: "accuracy", or "score"."""
        return "accuracy" if self.scores.is_accuracy else "score"

    @cached_property
    def results(self) -> pd.DataFrame:
        """DataFrame: a row per candidate."""
        scores = self.scores
        table = pd.DataFrame(
            map(self.labelled, scores.points),
            columns=list(self._labels.values()),
            dtype=object,
        )
        if self.resource is not None:
            table["round"] = scores.rounds + 1
            name, values = self.resource
            table[name] = values
        for side in ("train", "validation"):
            values = getattr(scores, side)
            if values is None:
                continue
            table[f"{side}_{self.quantity}"] = values.mean(axis=1)
            spread = values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.nan
            table[f"{side}_standard_error"] = spread / np.sqrt(values.shape[1])
        table["fit_time"] = self.fit_times
        # A candidate whose training failed has no score and ranks last.
        key = pd.Series(scores.validation.mean(axis=1)).fillna(-np.inf)
        table["rank"] = key.rank(method="min", ascending=False).astype(int)
        return table

    @cached_property
    def curves(self) -> dict[str, pd.DataFrame]:
        """Dict of str to DataFrame: scores by the values of each parameter."""
        values = {}
        for point in self.scores.points:
            for name, value in point.items():
                values.setdefault(name, set()).add(repr(value))
        curves = {
            self._labels[name]: self._curve(name)
            for name, found in values.items()
            if len(found) > 1
        }
        # The values of a random search, or of several grids, seldom differ in one
        # parameter only.
        return {
            name: curve
            for name, curve in curves.items()
            if len(curve) and curve["value"].nunique() > 1
        }

    def _curve(self, name):
        """Return the scores of a parameter's values, the others as in the best."""
        points = self.scores.points
        # The resource of a halving search, if it is a parameter, differs by round.
        free = {name, self.resource[0]} if self.resource is not None else {name}
        others = {key: v for key, v in self.best.items() if key not in free}
        rows = [
            i
            for i in np.flatnonzero(self.scores.rounds == 0)
            if points[i].keys() - free == others.keys()
            and name in points[i]
            and all(np.array_equal(points[i][k], v) for k, v in others.items())
        ]
        rows = self._sort(rows, name)
        sides = {
            f"{side}_{self.quantity}": getattr(self.scores, side)
            for side in ("train", "validation")
            if getattr(self.scores, side) is not None
        }
        return pd.DataFrame(
            {
                "value": written_value(points[i][name]),
                "fold": fold + 1,
                **{column: scores[i, fold] for column, scores in sides.items()},
            }
            for i in rows
            for fold in range(self.scores.validation.shape[1])
        )

    def _sort(self, rows, name):
        """Return candidates in the order of their values of a parameter."""
        points = self.scores.points
        # Numbers in their order, other values in that of complexity, if they have one.
        if all(is_number(points[i][name]) for i in rows):
            return sorted(rows, key=lambda i: points[i][name])
        if name not in self.order.levels:
            return rows
        return sorted(rows, key=lambda i: self.order.place(name, points[i][name]) or 0)

    @cached_property
    def heat_map(self) -> pd.DataFrame | None:
        """DataFrame or None: mean validation scores by two parameters."""
        points = self.scores.points
        rows = np.flatnonzero(self.scores.rounds == 0)
        names = self._varied(rows)
        if len(names) != 2 or not all(points[i].keys() >= {*names} for i in rows):
            return None
        values = {}
        for name in names:
            ordered = (points[i][name] for i in self._sort(rows, name))
            values[name] = list(dict.fromkeys(map(written_value, ordered)))
        # The parameter with more values in the columns: a picture is wider than high.
        names.sort(key=lambda name: len(values[name]))
        sizes = [len(values[name]) for name in names]
        cells = pd.DataFrame(
            {name: [written_value(points[i][name]) for i in rows] for name in names}
        )
        # Values drawn at random are seldom combined with several of the other's.
        n_tried = len(cells.drop_duplicates())
        if n_tried <= sizes[1] or 4 * n_tried < sizes[0] * sizes[1]:
            return None
        scores = cells.assign(score=self.scores.validation.mean(axis=1)[rows])
        # The mean of candidates that were tried twice.
        table = scores.groupby(names)["score"].mean().unstack()
        table = table.reindex(index=values[names[0]], columns=values[names[1]])
        return table.rename_axis(
            index=self._labels[names[0]], columns=self._labels[names[1]]
        )

    def _varied(self, rows):
        """Return the parameters with several values, except the resource."""
        points = [self.scores.points[i] for i in rows]
        names = dict.fromkeys(name for point in points for name in point)
        if self.resource is not None:
            names.pop(self.resource[0], None)
        return [n for n in names if len({repr(p.get(n, self)) for p in points}) > 1]

    @cached_property
    def sentences(self) -> list[str]:
        """List of str: what to take from the search."""
        score, simplest = self._written_score, self.simplest
        best = f"The best candidate, {written(self.labelled(self.best))}, has"
        if not self.best:
            best = "The only candidate has"
        if np.isnan(self.standard_error):
            said = [f"{best} {score(self.best_score)} on the new samples of one split."]
        else:
            error = self._written_error(self.standard_error)
            said = [
                f"{best} {score(self.best_score)} on new samples (standard error "
                f"{error})."
            ]
        if np.isnan(self.standard_error):
            pass  # nothing is within one standard error
        elif self.has_simpler:
            said.append(
                "Within one standard error of it, the simplest is "
                f"{written(self.labelled(simplest))} with "
                f"{score(self.simplest_score)}: prefer it."
            )
        elif simplest is not None:
            said.append("No simpler candidate is within one standard error of it.")
        if self.edges:
            names = " and of ".join(self._labels[edge.name] for edge in self.edges)
            said.append(
                f"The best value of {names} is at the edge of the grid: search beyond "
                "it."
            )
        return said

    def _written_score(self, score):
        if self.scores.is_accuracy:
            return f"an error of {percent(1 - score)}"
        return f"a score ({self.scoring}) of {score:.4g}"

    def _written_error(self, error):
        return percent(error) if self.scores.is_accuracy else f"{error:.2g}"

    def __repr__(self) -> str:
        return f"SearchDiagnosis(best={self.best!r}, n_fits={self.n_fits})"

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return the candidates, the best first.

        Returns
        -------
        frame : DataFrame
            `results`, sorted by rank; of a halving search the last round first.
        """
        by = ["round", "rank"] if self.resource is not None else ["rank"]
        ascending = [False, True][-len(by) :]
        return self.results.sort_values(by, ascending=ascending, kind="stable")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain Python objects, for JSON.

        Returns
        -------
        record : dict
            With "best_error" and "simplest_error" if the score is the accuracy.
            Parameters are named as in `results`.
        """
        simplest = self.simplest
        record = {
            "best": self.labelled(self.best),
            "best_score": self.best_score,
            "standard_error": self.standard_error,
            "simplest": None if simplest is None else self.labelled(simplest),
            "simplest_score": self.simplest_score,
            "scoring": self.scoring,
            "ordered_by_complexity": [self._labels[name] for name in self.ordered],
            "edges": [self._labels[edge.name] for edge in self.edges],
            "sentences": self.sentences,
            "results": self.results.to_dict("records"),
            "n_fits": self.n_fits,
            "data": self.data,
        }
        if self.scores.is_accuracy:
            record["best_error"] = 1 - self.best_score
            score = self.simplest_score
            record["simplest_error"] = None if score is None else 1 - score
        return as_plain(record)

    def plot(self) -> Figure:
        """Draw the validation curve of every parameter, and the heat map.

        Returns
        -------
        figure : matplotlib.figure.Figure
            One axes per parameter side by side, and one of the heat map, if there is
            one.

        Raises
        ------
        ValueError
            If no parameter has several values beside the best candidate's others.
        """
        from skmnist.search._report import plot_search

        return plot_search(self)

    def _render_page(self):
        from skmnist.search._report import render_search

        return render_search(self)

    def _render_card(self):
        from skmnist.search._report import render_search_card

        return render_search_card(self)

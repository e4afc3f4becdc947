"""A model of the time that a search takes, from the costs of its parts."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """What the parts of a search cost, in seconds.

    Attributes
    ----------
    start : float
        From the start of the process until every worker is warm: it has imported Keras
        and compiled the network.
    fit : float
        One fit and its score in a warm worker, while all workers are busy.
    task : float
        What the process that hands out the tasks spends on each of them, one after the
        other.
    """

    start: float
    fit: float
    task: float


def search_time(costs, n_fits, n_workers):
    """Return the predicted seconds of a search.

    The workers take the fits in rounds. However many there are, no more fits can be
    done in a second than tasks can be handed out.

    Parameters
    ----------
    costs : Costs
    n_fits : int
        Candidates times splits.
    n_workers : int
        Fits at once.

    Returns
    -------
    seconds : float
    """
    rounds = math.ceil(n_fits / n_workers)
    computing = rounds * costs.fit + min(n_fits, n_workers) * costs.task
    return costs.start + max(computing, n_fits * costs.task + costs.fit)


def useful_workers(costs):
    """Return the number of workers beyond which more of them make nothing faster."""
    return max(1, math.ceil(costs.fit / costs.task))

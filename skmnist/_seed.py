"""Draw an integer seed from a random_state."""

import secrets

from sklearn.utils import check_random_state


def draw_seed(random_state):
    """Draw an integer seed without changing NumPy's global generator.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int always gives the same seed. A RandomState instance is advanced by one
        draw. None uses entropy of the operating system.

    Returns
    -------
    seed : int
        Integer in [0, 2**31).
    """
    if random_state is None:
        return secrets.randbits(31)
    return int(check_random_state(random_state).randint(2**31 - 1))

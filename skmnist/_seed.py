"""Draw an integer seed from a random_state."""

from sklearn.utils import check_random_state


def draw_seed(random_state):
    """Draw an integer seed.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None draws from NumPy's global generator, as scikit-learn's estimators do. A
        RandomState instance is advanced by one draw.

    Returns
    -------
    seed : int
        In [0, 2**31 - 1).
    """
    return int(check_random_state(random_state).randint(2**31 - 1))

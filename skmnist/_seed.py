"""Draw an integer seed from what scikit-learn calls a random_state."""

import secrets

from sklearn.utils import check_random_state


def draw_seed(random_state):
    """Draw an integer seed; NumPy's global generator stays as it is.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None draws fresh entropy; a RandomState instance is advanced by one draw.

    Returns
    -------
    seed : int
        In [0, 2**31 - 1).
    """
    if random_state is None:
        return secrets.randbits(31)
    return int(check_random_state(random_state).randint(2**31 - 1))

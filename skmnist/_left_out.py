"""What stands where a file could not hold code of one's own, and refuses to train."""

from contextlib import contextmanager
from contextvars import ContextVar

_AS_DATA = ContextVar("skmnist_as_data", default=False)


@contextmanager
def classifiers_as_data():
    """Let classifiers give and take their state as data alone: see _as_data.py."""
    token = _AS_DATA.set(True)
    try:
        yield
    finally:
        _AS_DATA.reset(token)


def state_is_data():
    """Tell whether this thread is within `classifiers_as_data`."""
    return _AS_DATA.get()


class LeftOut:
    """Stands for a builder, callback or loss that a file names and does not hold.

    Parameters
    ----------
    name : str
        What it was.
    """

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<left out: {self.name}>"

    def __call__(self, *args, **kwargs):
        raise ValueError(
            f"{self.name} was left out when this classifier was saved: a file holds "
            "no code of one's own. It predicts; for anything else set it again."
        )


def refuse_left_out(classifier):
    """Raise ValueError if a parameter was left out of the file it was loaded from."""
    params = classifier.get_params(deep=False)
    nested = params.get("model_params")
    if isinstance(nested, dict):
        params |= {f"model__{name}": value for name, value in nested.items()}
    left_out = {n: v for n, v in params.items() if isinstance(v, LeftOut)}
    if left_out:
        was = ", ".join(f"{name} ({value.name})" for name, value in left_out.items())
        again = ", ".join(f"{name}=..." for name in left_out)
        raise ValueError(
            f"This {type(classifier).__name__} was loaded from a file, which holds no "
            f"code of one's own, and its {was} was left out. It predicts; to train it, "
            f"set that first: set_params({again})."
        )

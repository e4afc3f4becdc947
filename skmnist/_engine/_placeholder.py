"""Placeholder for user code that a saved file does not contain."""


class Placeholder:
    """Stands for a builder, callback or loss that a file names and does not hold.

    Parameters
    ----------
    name : str
        What it was.
    """

    __module__ = "skmnist.persistence"

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<left out: {self.name}>"

    def __call__(self, *args, **kwargs):
        raise ValueError(
            f"{self.name} was left out when this classifier was saved: a file holds "
            "no code of one's own. It predicts; for anything else set it again."
        )

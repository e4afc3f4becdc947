"""Placeholder for user code that a saved file does not contain."""


class Placeholder:
    """A builder, callback or loss that a saved file names but does not contain.

    Parameters
    ----------
    name : str
        The import path of the code.
    """

    __module__ = "skmnist.persistence"

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<not saved: {self.name}>"

    def __call__(self, *args, **kwargs):
        """Raise an error: the code is not available.

        Parameters
        ----------
        *args, **kwargs : object
            Ignored.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            f"{self.name} was not saved with this classifier, because saved files "
            "contain no user code. The classifier can still predict; to train it, set "
            "the parameter again."
        )

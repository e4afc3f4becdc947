"""The next command to type after a verdict or a search, with the values it advises."""

import shlex
from pathlib import Path
from typing import NamedTuple

from skmnist.architectures import as_sizes
from skmnist.cli._options import DATA_PARAMETERS
from skmnist.cli._settings import as_typed
from skmnist.search._values import written_value

# A class this many times as frequent as another is weighted.
_IMBALANCE = 3
_MOST_REPEATS = 9
#: Deformations that leave digits and similar images what they are.
AUGMENTATION = {
    "random_rotation": 0.03,
    "random_translation": 0.07,
    "random_zoom": 0.1,
}
# Options of `diagnose` and `search` that `train` has, too.
_TRAIN_OPTIONS = (*DATA_PARAMETERS, "samples", "seed")


class Advice(NamedTuple):
    """What to type next.

    Attributes
    ----------
    purpose : str
        What the command is for: "to train longer".
    command : str
    """

    purpose: str
    command: str


def after_diagnosis(diagnosis, typed, network, folds, out, *, of_images=True):
    """Return what to type after the verdict on one network.

    Parameters
    ----------
    diagnosis : FitDiagnosis
    typed : Typed
        The command that was typed.
    network : classifier
        With the parameters that were diagnosed.
    folds : Folds
    out : pathlib.Path
        The folder of the report.
    of_images : bool, default=True
        Whether the samples are images, which can be deformed.

    Returns
    -------
    advice : Advice
    """
    if diagnosis.verdict == "good":
        return train(typed)
    if diagnosis.verdict == "inconclusive":
        purpose, changes = _narrower(typed, folds, diagnosis.tolerance)
    else:
        purpose, settings = _other_settings(diagnosis, network, of_images)
        changes = {"settings": typed.settings | settings}
    return Advice(
        purpose, typed.command("diagnose", {**changes, "out": next_folder(out)})
    )


def after_comparison(comparison, typed, folds, out):
    """Return what to type after two networks were compared."""
    if comparison.difference.contains(0):
        tolerance = comparison.diagnoses[0].tolerance
        _, changes = _narrower(typed, folds, tolerance)
        changes["out"] = next_folder(out)
        return Advice("to tell them apart", typed.command("diagnose", changes))
    better = comparison.names[comparison.difference.value > 0]
    return train(typed._replace(models=[better]))


def after_search(diagnosis, typed, network, grid, out):
    """Return what to type after a search.

    Parameters
    ----------
    diagnosis : SearchDiagnosis
    typed : Typed
    network : classifier
        With the parameters that were not searched.
    grid : dict of str to list
        The values that were searched, by the names of --grid.
    out : pathlib.Path
        The folder of the report.

    Returns
    -------
    advice : list of Advice
        To search beyond the edges, if the best point is at one; and to train.
    """
    advice = []
    edges = {
        label: edge
        for edge in diagnosis.edges
        for label in diagnosis.labelled({edge.name: edge.value})
    }
    wider = {name: _beyond(name, edge, network) for name, edge in edges.items()}
    if any(
        max(values) > max(grid[name]) or min(values) < min(grid[name])
        for name, values in wider.items()
    ):
        values = {name: wider.get(name, grid[name]) for name in grid}
        items = [f"{name}={','.join(map(_written, vs))}" for name, vs in values.items()]
        changes = {"grid": items, "out": next_folder(out), "learning_rate": None}
        command = typed.command("search", changes)
        advice.append(Advice("to search beyond the edge", command))
    if diagnosis.has_simpler:
        point = diagnosis.labelled(diagnosis.simplest)
        recommended = typed._replace(settings=typed.settings | point)
        advice.append(train(recommended)._replace(purpose="to train the simpler one"))
    else:
        kept = {n: typed.options.get(n) for n in ("samples", "seed")}
        options = {"from": str(out), **kept, "out": next_file()}
        command = Typed(["mlp"], {}, options).command("train")
        advice.append(Advice("to train the best one", command))
    return advice


class Typed(NamedTuple):
    """A command as it was typed, to be typed again with changes.

    Attributes
    ----------
    models : list of str
    settings : dict
        Hyperparameters that differ from the defaults.
    options : dict of str to object
        Other options that differ from the defaults, by the names of parameters.
    """

    models: list
    settings: dict
    options: dict

    def command(self, name, changes=None):
        """Return the words of a command, joined.

        Parameters
        ----------
        name : str
        changes : dict, default=None
            Values in place of `settings` and `options`; None leaves an option out.
        """
        values = {**self.options, **(changes or {})}
        settings = values.pop("settings", self.settings)
        values = {
            "model": self.models if self.models != ["mlp"] else None,
            "epochs": settings.get("epochs"),
            "batch_size": settings.get("batch_size"),
            "set": as_typed(settings),
            **values,
        }
        words = ["skmnist", name]
        for option, value in values.items():
            flag = f"--{option.replace('_', '-')}"
            for each in value if isinstance(value, list) else [value]:
                if each is True:
                    words.append(flag)
                elif each is not None and each is not False:
                    words += [flag, _written(each)]
        return shlex.join(words)


def train(typed):
    """Return the command that trains and saves a network."""
    options = {n: v for n, v in typed.options.items() if n in _TRAIN_OPTIONS}
    typed = typed._replace(options=options)
    command = typed.command("train", {"out": next_file()})
    return Advice("to train and save it", command)


def is_augmented(network):
    """Return whether a network's training images are deformed."""
    deformations = set(network.get_params()) - {"random_state"}
    return any(
        getattr(network, name) for name in deformations if name.startswith("random_")
    )


def next_folder(folder):
    """Return the first folder of a numbered name that does not exist."""
    name, number = Path(folder).name, 2
    stem, _, end = name.rpartition("-")
    if stem and end.isdigit():
        name, number = stem, int(end) + 1
    while (path := Path(folder).with_name(f"{name}-{number}")).exists():
        number += 1
    return str(path)


def next_file():
    """Return the first name of a model's file that does not exist."""
    path, number = Path("model.skmnist"), 2
    while path.exists():
        path, number = Path(f"model-{number}.skmnist"), number + 1
    return str(path)


def _narrower(typed, folds, tolerance):
    """Return how to decide: with more samples, more repetitions, or less precision."""
    if typed.options.get("samples") is not None:
        return "to use all images", {"samples": None}
    if folds.n_repeats < _MOST_REPEATS:
        repeats = min(3 * folds.n_repeats, _MOST_REPEATS)
        cv = f"{folds.n_folds}x{repeats}"
        return "to average over more trainings", {"cv": cv}
    return "to accept a larger bias or gap", {"tolerance": 2 * tolerance}


def _other_settings(diagnosis, network, of_images):
    """Return what other settings are for, and which."""
    found = {finding.code: finding for finding in diagnosis._all_findings}
    rate = found["FIT14"].evidence.get("suggested_rate") if "FIT14" in found else None
    if rate is not None:
        return "to try another learning rate", {"learning_rate": rate}
    if "FIT04" in found:
        return "to train longer", {"epochs": 2 * found["FIT04"].evidence["n_epochs"]}
    if "FIT01" in found:
        counts = diagnosis.confusion_matrix.sum(axis=1)
        if counts.max() > _IMBALANCE * counts.min() and network.class_weight is None:
            return "to weight the classes", {"class_weight": "balanced"}
        return "to train longer", {"epochs": 4 * network.epochs}
    if diagnosis.verdict != "overfit":
        sizes = tuple(2 * size for size in as_sizes(network.hidden_layer_sizes))
        return "to fit better", {"hidden_layer_sizes": sizes}
    records = [found[code].evidence for code in ("FIT05", "FIT03") if code in found]
    epochs = [record["epoch"] for record in records if "epoch" in record]
    if epochs:
        return "to stop earlier", {"epochs": epochs[0]}
    if of_images and not is_augmented(network):
        return "to augment", AUGMENTATION
    if network.dropout < 0.5:
        return "to regularise", {"dropout": round(min(0.5, network.dropout + 0.3), 2)}
    return "to regularise", {"l2": 10 * network.l2 or 0.0001}


def _beyond(name, edge, network):
    """Return valid values of a parameter that continue beyond an edge."""
    others = [value for value in edge.values if value != edge.value]
    nearest = min(others, key=lambda value: abs(value - edge.value))
    ratio = edge.value / nearest if nearest else 2
    ratio = max(2, ratio) if edge.side == "highest" else min(0.5, ratio)
    values = [nearest, edge.value, edge.value * ratio, edge.value * ratio**2]
    if name.endswith(("dropout", "fraction")) and edge.side == "highest":
        # Less than 1: halfway there, and halfway again.
        values[2:] = [(1 + edge.value) / 2, (3 + edge.value) / 4]
    if isinstance(edge.value, int):
        values = map(round, values)
    else:
        values[2:] = [float(f"{value:.3g}") for value in values[2:]]
    return sorted(value for value in set(values) if _is_valid(network, name, value))


def _is_valid(network, name, value):
    from sklearn.base import clone

    try:
        clone(network).set_params(**{name: value})._validate_params()
    except ValueError:
        return False
    return True


def _written(value):
    return value if isinstance(value, str) else written_value(value)

"""The tables of a diagnosis, as DataFrames."""

import numpy as np
import pandas as pd

_SCORES = [
    f"{side}_{score}"
    for score in ("loss", "accuracy", "balanced_accuracy")
    for side in ("train", "validation")
]


def folds_table(folds, codes, test=None):
    """Tabulate the scores of each split.

    Parameters
    ----------
    folds : list of Fold
    codes : ndarray of int of shape (n_rows,)
        True classes.
    test : NewSamples, default=None

    Returns
    -------
    folds : DataFrame
        A row per split; accuracies are fractions, times seconds. The user's own scores
        come before the times.
    """
    rows = []
    for fold in folds:
        row = {"fold": fold.number, "n_train": len(fold.train)}
        row["n_validation"] = len(fold.test)
        sides = {
            "train": (fold.train, fold.train_wrong, fold.train_loss),
            "validation": (fold.test, fold.test_wrong, fold.test_loss),
        }
        for side, (samples, wrong, loss) in sides.items():
            row[f"{side}_loss"] = np.mean(loss)
            row[f"{side}_accuracy"] = np.mean(~wrong)
            count = np.bincount(codes[samples])
            recall = np.bincount(codes[samples], ~wrong)[count > 0] / count[count > 0]
            row[f"{side}_balanced_accuracy"] = np.mean(recall)
        own = fold.scores | {"fit_time": fold.fit_time}
        if test is not None and test.codes is not None:
            own["test_accuracy"] = 1 - np.mean(test.wrong([fold]))
        rows.append(row | own)
    sizes = ["fold", "n_train", "n_validation"]
    columns = [*sizes, *_SCORES, *own_scores(folds), "fit_time"]
    if "test_accuracy" in rows[0]:
        columns.insert(-1, "test_accuracy")
    return pd.DataFrame(rows, columns=columns)


def own_scores(folds):
    """Return the columns of the user's own scores, training and validation in turn.

    Parameters
    ----------
    folds : list of Fold

    Returns
    -------
    names : list of str
    """
    names = folds[0].scores if folds else {}
    of_training = [name for name in names if name.startswith("train_")]
    sides = "train_", "validation_"
    return [side + name[len("train_") :] for name in of_training for side in sides]


def epochs_table(evidence):
    """Tabulate the scores after every epoch of each split.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    epochs : DataFrame or None
        None if no split has scores after each epoch.
    """
    tables = [
        pd.DataFrame(
            {
                "fold": fold.number,
                "epoch": np.arange(1, len(fold.curves.train_loss) + 1),
                **{name: getattr(fold.curves, name) for name in _SCORES[:4]},
            }
        )
        for fold in evidence.folds
        if fold.curves is not None
    ]
    return pd.concat(tables, ignore_index=True) if tables else None


def summary_table(evidence):
    """Tabulate means over samples with their 95 % confidence intervals.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    summary : DataFrame
        Columns mean, low and high, a row per score. The user's own scores, which are
        not means over samples, have mean and standard_error over the splits.
    """
    folds = evidence.folds
    losses = {
        "train": evidence.by_row((fold.train, fold.train_loss) for fold in folds),
        "validation": evidence.by_row((fold.test, fold.test_loss) for fold in folds),
    }
    wrong = {
        "train": evidence.train_error,
        "validation": evidence.validation_error,
    }
    rows = {}
    for side in ("train", "validation"):
        loss = evidence.mean_by_row(losses[side])
        rows[f"{side}_loss"] = (loss.value, loss.low, loss.high)
        errors = {
            "accuracy": evidence.errors[side],
            "balanced_accuracy": evidence.class_mean_by_row(wrong[side]),
        }
        for score, error in errors.items():
            limits = np.clip([error.high, error.low], 0, 1)
            rows[f"{side}_{score}"] = (1 - error.value, *(1 - limits))
    columns = ["mean", "low", "high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).loc[_SCORES]
    if not (own := own_scores(folds)):
        return table
    scores = pd.DataFrame([fold.scores for fold in folds], columns=own)
    added = pd.DataFrame({"mean": scores.mean(), "standard_error": scores.sem()})
    return pd.concat([table, added])


def calibration_table(evidence):
    """Tabulate accuracy by predicted probability.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    calibration : DataFrame or None
        Columns probability, accuracy, n; None without probabilities.
    """
    if evidence.calibration is None:
        return None
    probability, accuracy, count = evidence.calibration
    return pd.DataFrame(
        {"probability": probability, "accuracy": accuracy, "n": count.astype(int)}
    )


def confusion_table(evidence):
    """Count out-of-fold predictions.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    counts : ndarray of int of shape (n_classes, n_classes)
        True classes in rows, predicted classes in columns.
    """
    counts = np.zeros((evidence.n_classes, evidence.n_classes), dtype=int)
    for fold in evidence.folds:
        np.add.at(counts, (evidence.codes[fold.test], fold.test_codes), 1)
    return counts


def suspect_labels_table(evidence, classes, first_row=0):
    """Tabulate the labels that are probably wrong.

    Parameters
    ----------
    evidence : Evidence
    classes : ndarray of shape (n_classes,)
        The labels.
    first_row : int, default=0
        The row to count from.

    Returns
    -------
    suspects : DataFrame
        Columns row, y_true (the label given), y_suggested, probability_true,
        probability_suggested and split, the most suspect first. Empty if wrong labels
        are not proven.
    """
    suspects = evidence.suspect_labels
    if suspects is None:
        columns = ["probability_true", "probability_suggested"]
        return pd.DataFrame(columns=["row", "y_true", "y_suggested", *columns, "split"])
    table = suspects.table
    return pd.DataFrame(
        {
            "row": table["row"] - first_row,
            "y_true": classes[table["code"]],
            "y_suggested": classes[table["suggested"]],
            "probability_true": table["probability_given"],
            "probability_suggested": table["probability_suggested"],
            "split": table["split"],
        }
    )


def out_of_fold_table(evidence, classes, first_row=0):
    """Tabulate the prediction of each validation sample.

    Parameters
    ----------
    evidence : Evidence
    classes : ndarray of shape (n_classes,)
        The labels.
    first_row : int, default=0
        The row to count from.

    Returns
    -------
    out_of_fold : DataFrame
        Indexed by row, in the order of the rows.
    """
    tables = [
        pd.DataFrame(
            {
                "y_true": classes[evidence.codes[fold.test]],
                "y_pred": classes[fold.test_codes],
                "probability": fold.probability,
                "split": fold.number,
            },
            index=pd.Index(fold.test - first_row, name="row"),
        )
        for fold in evidence.folds
    ]
    return pd.concat(tables).sort_index(kind="stable")

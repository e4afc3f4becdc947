"""Scores of the user's own, shown beside error and loss."""

import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, log_loss, make_scorer
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist.report import render_html

TREE = DecisionTreeClassifier(max_depth=5, random_state=0)
MLP = KerasMLPClassifier(hidden_layer_sizes=(16,), epochs=3, random_state=0)
CV = StratifiedKFold(3, shuffle=True, random_state=0)
TWO = ["f1_macro", "roc_auc_ovr"]


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return (X[:500] / 16).astype(np.float32), y[:500]


def diagnose(estimator, data, scoring, **options):
    return diagnose_fit(
        estimator, *data, cv=CV, reference=0.05, scoring=scoring, **options
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "estimator",
    [TREE, MLP, make_pipeline(StandardScaler(), MLP)],
    ids=["tree", "network", "pipeline"],
)
def test_scores_are_those_of_cross_validate(estimator, n_jobs, data):
    diagnosis = diagnose(estimator, data, TWO, n_jobs=n_jobs)
    expected = cross_validate(
        estimator, *data, cv=CV, scoring=TWO, return_train_score=True
    )
    for name in TWO:
        for side, other in ("train", "train"), ("validation", "test"):
            found = diagnosis.folds[f"{side}_{name}"]
            np.testing.assert_allclose(found, expected[f"{other}_{name}"], rtol=1e-5)


@pytest.mark.parametrize(
    ("scoring", "names"),
    [
        ("f1_macro", ["f1_macro"]),
        (make_scorer(f1_score, average="macro"), ["score"]),
        (lambda estimator, X, y: {"n": len(X), "k": len(set(y))}, ["n", "k"]),
        ({"mine": make_scorer(f1_score, average="macro"), "f1_micro": "f1_micro"}, 2),
        (("accuracy", "f1_macro"), ["f1_macro"]),
        ("balanced_accuracy", []),
        ({}, []),
    ],
)
def test_scoring_takes_what_cross_validate_takes(scoring, names, data):
    names = ["mine", "f1_micro"] if names == 2 else names
    expected = [f"{side}_{name}" for name in names for side in ("train", "validation")]
    folds = diagnose(TREE, data, scoring).folds
    assert folds.columns.tolist()[9:] == [*expected, "fit_time"]
    assert folds[expected].notna().all(axis=None)


def test_summary_has_mean_and_standard_error_over_splits(data):
    plain, own = diagnose(TREE, data, None), diagnose(TREE, data, TWO)
    scores = own.folds["validation_f1_macro"]
    row = own.summary.loc["validation_f1_macro"]
    assert row["mean"] == pytest.approx(scores.mean())
    assert row["standard_error"] == pytest.approx(scores.std(ddof=1) / np.sqrt(3))
    assert row[["low", "high"]].isna().all()
    # Everything else is as without.
    assert (own.verdict, own.sentence) == (plain.verdict, plain.sentence)
    same = own.summary.loc[plain.summary.index, plain.summary.columns]
    pd.testing.assert_frame_equal(same, plain.summary)
    assert "standard_error" not in plain.summary


def test_scores_are_of_rows_trained_on_and_of_the_samples_as_given(data):
    seen = []

    def count(estimator, X, y):
        seen.append((X.shape, len(y), len(estimator.predict(X))))
        return 0

    held_out = clone(MLP).set_params(validation_fraction=0.2)
    first = FunctionTransformer(lambda X: X[:, :32])
    diagnosis = diagnose(make_pipeline(first, held_out), data, {"count": count})
    sizes = diagnosis.folds[["n_train", "n_validation"]].to_numpy().ravel().tolist()
    assert diagnosis.folds["n_train"].max() < 300
    assert seen == [((n, 64), n, n) for n in sizes]


def test_scores_at_an_epoch_on_the_way_are_those_of_a_training_to_it(data):
    pipe = make_pipeline(StandardScaler(), MLP)
    epochs = {"kerasmlpclassifier__epochs": [1, 3, 5]}
    on_the_way = diagnose(pipe, data, TWO, capacity=epochs)
    alone = diagnose(pipe, data, TWO)
    assert len(on_the_way.epochs) == 9
    columns = [f"validation_{name}" for name in TWO]
    pd.testing.assert_frame_equal(on_the_way.folds[columns], alone.folds[columns])


def test_single_epoch_is_scored_before_the_second(data):
    clf = clone(MLP).set_params(epochs=1)
    folds = diagnose(clf, data, "neg_log_loss").folds
    np.testing.assert_allclose(
        -folds["validation_neg_log_loss"], folds["validation_loss"], rtol=1e-5
    )


def test_page_and_record_have_the_scores(data):
    diagnosis = diagnose(TREE, data, ["f1_macro"])
    record = diagnosis.to_dict()
    schema = files("skmnist.report") / "diagnosis.schema.json"
    Draft202012Validator(json.loads(schema.read_text("utf-8"))).validate(record)
    score = diagnosis.folds["validation_f1_macro"][0]
    assert record["folds"][0]["validation_f1_macro"] == score
    assert record["summary"]["train_f1_macro"]["low"] is None
    assert json.loads(json.dumps(record["configuration"]))["scoring"] == "['f1_macro']"
    page = render_html(diagnosis)
    assert '<th scope="col">Validation f1_macro</th>' in page
    assert f"<td>{score:.4f}</td>" in page
    row = re.search(r"Standard error</th>.*?</tr>", page, re.S)[0]
    error = diagnosis.summary.loc["validation_f1_macro", "standard_error"]
    assert f"<td>{error:.4f}</td>" in row
    assert "Standard error" not in render_html(diagnose(TREE, data, None))


@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        ("f2", "f2"),
        (["f1_macro", "f2"], "f2"),
        ("f1", "scoring='f1' cannot score these labels: Target is multiclass"),
        (["roc_auc"], "scoring='roc_auc' cannot score these labels: multi_class"),
        (log_loss, "looks like it is a metric"),
        ({"loss": "neg_log_loss"}, "scoring names 'loss', which the tables have"),
        (3, "scoring"),
    ],
)
def test_unusable_scoring_is_refused_before_training(scoring, message, data):
    never = clone(TREE).set_params(max_depth="never trained")
    with pytest.raises(ValueError, match=re.escape(message)):
        diagnose(never, data, scoring)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_error_of_a_scorer_names_it_and_the_split(data, n_jobs):
    def fail(estimator, X, y):
        if len(X) < 300:
            raise RuntimeError("no luck")
        return 1

    message = "'bad' failed on the validation samples of split [123]: RuntimeErr.* luck"
    with pytest.raises(ValueError, match=message):
        diagnose(MLP, data, {"f1_macro": "f1_macro", "bad": fail}, n_jobs=n_jobs)
    with pytest.raises(ValueError, match="scoring failed on the training .* no luck"):
        diagnose(TREE, [part[:300] for part in data], fail)
    with pytest.raises(
        ValueError, match=r"\'word\' should return a number, got \[1, 2"
    ):
        diagnose(TREE, data, {"word": lambda estimator, X, y: [1, 2]})
    with pytest.raises(ValueError, match="'neg_log_loss' failed .* predict_proba"):
        diagnose(SVC(), data, ["neg_log_loss"])
    with pytest.raises(ValueError, match="names 'loss', which the tables have"):
        diagnose(TREE, data, lambda estimator, X, y: {"loss": 1})

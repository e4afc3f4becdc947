import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import KerasMLPClassifier, diagnose_search
from skmnist.search import Edge, SearchDiagnosis
from skmnist.search._candidates import find_edges, read_scores
from skmnist.search._report import render_search, write_search
from skmnist.search._values import written_value

N_SPLITS, N_TESTED = 4, 5
FAILED = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning",
    "ignore:One or more of the (test|train) scores are non-finite:UserWarning",
)


class Prescribed(ClassifierMixin, BaseEstimator):
    """Classifier whose parameters determine its accuracy on each split.

    `accuracies` contains the accuracy of each split, by ``repr`` of the values of the
    other parameters that are not None. Without an entry, `fit` fails.
    """

    def __init__(
        self,
        *,
        accuracies=None,
        a=None,
        b=None,
        epochs=None,
        dropout=None,
        hidden_dropout=None,
        l2=None,
        hidden_layer_sizes=None,
        filters=None,
    ):
        self.accuracies = accuracies
        self.a = a
        self.b = b
        self.epochs = epochs
        self.dropout = dropout
        self.hidden_dropout = hidden_dropout
        self.l2 = l2
        self.hidden_layer_sizes = hidden_layer_sizes
        self.filters = filters

    def fit(self, X, y):
        params = {k: v for k, v in self.get_params().items() if v is not None}
        accuracies = params.pop("accuracies")
        if isinstance(accuracies, dict):
            accuracies = accuracies[key_of(params)]
        self.accuracies_ = accuracies
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        if len(X) == len(ROWS) - N_TESTED:  # the training part
            return 1.0
        return self.accuracies_[int(X[0, 0]) // N_TESTED]


def key_of(params):
    return repr(sorted((k, v) for k, v in params.items() if v is not None))


ROWS = np.arange(N_SPLITS * N_TESTED, dtype=float).reshape(-1, 1)
LABELS = np.arange(len(ROWS)) % 2


def prescribed_search(grid, accuracies, **settings):
    """Return a fitted search of Prescribed over splits of consecutive rows."""
    search = GridSearchCV(
        Prescribed(accuracies=accuracies), grid, cv=KFold(N_SPLITS), **settings
    )
    return search.fit(ROWS, LABELS)


def prescribe(accuracies):
    """Return a fitted search over `a` with these accuracies of each split."""
    table = {key_of({"a": a}): splits for a, splits in accuracies.items()}
    return prescribed_search({"a": list(accuracies)}, table)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def tree_search(iris):
    """A search over depth and criterion that recorded the training scores."""
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"criterion": ["gini", "entropy"], "max_depth": [5, 1, 2, 3]},
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        return_train_score=True,
    )
    return search.fit(*iris)


def split_scores(search, metric="score", side="test"):
    """Return the scores of a fitted search, of shape (n_candidates, n_splits)."""
    columns = [f"split{i}_{side}_{metric}" for i in range(search.n_splits_)]
    return np.column_stack([search.cv_results_[column] for column in columns])


def scores_as_dict(estimator, X, y):
    accuracy = float(np.mean(estimator.predict(X) == y))
    return {"right": accuracy, "wrong": 1 - accuracy}


GRID = {"n_neighbors": [1, 3, 5], "weights": ["uniform", "distance"]}
SEARCHES = {
    "grid": (GridSearchCV, {}),
    "grid-no_refit": (GridSearchCV, {"refit": False}),
    "randomized": (RandomizedSearchCV, {"n_iter": 4, "random_state": 0}),
    "halving": (HalvingGridSearchCV, {"factor": 2, "random_state": 0}),
    "halving-random": (
        HalvingRandomSearchCV,
        {"n_candidates": 6, "factor": 2, "random_state": 0},
    ),
    "refit_function": (GridSearchCV, {"refit": lambda results: 2}),
    "scorer": (GridSearchCV, {"scoring": make_scorer(accuracy_score)}),
    "one_score": (GridSearchCV, {"scoring": "f1_macro"}),
    "several": (
        GridSearchCV,
        {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"},
    ),
    "named": (
        GridSearchCV,
        {"scoring": {"A": "accuracy", "F": "f1_macro"}, "refit": "A"},
    ),
    "function": (GridSearchCV, {"scoring": scores_as_dict, "refit": "right"}),
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_best_is_that_of_the_search(iris, kind):
    make, settings = SEARCHES[kind]
    search = make(KNeighborsClassifier(), GRID, cv=3, **settings).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    metric = search.refit if search.multimetric_ else "score"
    splits = split_scores(search, metric)[search.best_index_]
    assert isinstance(diagnosis, SearchDiagnosis)
    assert diagnosis.best == search.best_params_
    assert diagnosis.best_score == pytest.approx(splits.mean())
    if hasattr(search, "best_score_"):
        assert diagnosis.best_score == pytest.approx(search.best_score_)
    expected = splits.std(ddof=1) / np.sqrt(3)
    assert diagnosis.standard_error == pytest.approx(expected)
    assert diagnosis.n_fits == 3 * len(search.cv_results_["params"])
    assert diagnosis.simplest is None
    assert diagnosis.simplest_score is None
    assert diagnosis.ordered == []
    clone(search.estimator).set_params(**diagnosis.best)


@pytest.mark.parametrize(
    ("scoring", "refit", "name"),
    [
        (None, True, "accuracy"),
        ("accuracy", False, "accuracy"),
        (["accuracy", "f1_macro"], "accuracy", "accuracy"),
        ({"A": "accuracy", "F": "f1_macro"}, "A", "accuracy"),
        ("f1_macro", True, "f1_macro"),
        (["accuracy", "f1_macro"], "f1_macro", "f1_macro"),
        ({"A": "accuracy", "F": "f1_macro"}, "F", "f1_macro"),
        ({"A": make_scorer(accuracy_score)}, "A", "A"),
        (make_scorer(accuracy_score), True, "score"),
        (scores_as_dict, "wrong", "wrong"),
        ("neg_log_loss", True, "neg_log_loss"),
    ],
)
def test_sentences_state_error_of_accuracy_and_score_of_others(
    iris, scoring, refit, name
):
    search = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [5, 20]}, scoring=scoring, refit=refit
    ).fit(*iris)
    diagnosis = diagnose_search(search, capacity={"n_neighbors": [20, 5]})
    said = " ".join(diagnosis.sentences).replace("standard error", "")
    record = diagnosis.to_dict()
    assert diagnosis.scoring == name
    assert record["scoring"] == name
    score = diagnosis.best_score
    if name == "accuracy":
        assert f"an error of {100 * (1 - score):.1f} %" in said
        assert record["best_error"] == pytest.approx(1 - score)
        assert "validation_accuracy" in diagnosis.results
    else:
        assert f"a score ({name}) of {score:.4g}" in said
        assert "error" not in said
        assert "%" not in said
        assert "best_error" not in record
        assert "validation_score" in diagnosis.results
        assert "validation_accuracy" not in diagnosis.results


def test_halving_search_compares_the_last_round(iris):
    search = HalvingGridSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": [9, 1, 3, 5]},
        factor=2,
        cv=3,
        random_state=0,
        return_train_score=True,
    ).fit(*iris)
    order = [9, 5, 3, 1]
    diagnosis = diagnose_search(search, *iris, capacity={"n_neighbors": order})
    results, rounds = diagnosis.results, search.cv_results_["iter"]
    assert rounds.max() > 0
    assert results["round"].tolist() == (rounds + 1).tolist()
    assert results["n_samples"].tolist() == search.cv_results_["n_resources"].tolist()
    frame = diagnosis.to_frame()
    assert frame["round"].is_monotonic_decreasing
    for _, ranks in frame.groupby("round")["rank"]:
        assert ranks.is_monotonic_increasing
    last = np.flatnonzero(rounds == rounds.max())
    means = search.cv_results_["mean_test_score"]
    assert search.best_index_ in last
    limit = means[search.best_index_] - diagnosis.standard_error
    near = {
        search.cv_results_["params"][i]["n_neighbors"]
        for i in last
        if means[i] >= limit
    }
    best = order.index(search.best_params_["n_neighbors"])
    expected = next(k for k in order[: best + 1] if k in near)
    assert diagnosis.simplest == {"n_neighbors": expected}
    # Curves show all values, on the samples of the first round.
    curve = diagnosis.curves["n_neighbors"].groupby("value", sort=False)
    first = {
        str(point["n_neighbors"]): mean
        for point, mean, number in zip(
            search.cv_results_["params"], means, rounds, strict=True
        )
        if number == 0
    }
    assert curve["validation_accuracy"].mean().to_dict() == pytest.approx(first)
    assert "(first round of halving)" in render_search(diagnosis)


class Declining(Prescribed):
    """Classifier whose accuracy grows with `a` and falls with the number of rows."""

    def fit(self, X, y):
        self.classes_, self.n_rows_ = np.unique(y), len(X)
        return self

    def score(self, X, y):
        return 1 + self.a / 100 - self.n_rows_ / 200


def test_simplest_of_halving_search_is_of_the_last_round():
    """Candidates that were dropped had higher scores, but on fewer samples."""
    search = HalvingGridSearchCV(
        Declining(), {"a": [1, 2, 3, 4]}, factor=2, min_resources=20, cv=KFold(4)
    ).fit(np.arange(80.0).reshape(-1, 1), np.arange(80) % 2)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] > search.best_score_
    diagnosis = diagnose_search(search, capacity={"a": [1, 2, 3, 4]})
    assert diagnosis.best == {"a": 4}
    assert diagnosis.simplest == {"a": 4}
    assert diagnosis.to_frame().index[0] == search.best_index_


def test_unfitted_search_raises_not_fitted_error():
    with pytest.raises(NotFittedError):
        diagnose_search(GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-6]}))


@pytest.mark.parametrize("refit", [lambda results: 0, False])
@pytest.mark.parametrize("scoring", [["accuracy", "f1_macro"], scores_as_dict])
def test_several_scores_without_a_chosen_one_are_refused(iris, scoring, refit):
    search = GridSearchCV(
        GaussianNB(), {"var_smoothing": [1e-9, 1e-6]}, scoring=scoring, refit=refit
    ).fit(*iris)
    with pytest.raises(ValueError, match="set refit to the name of a score"):
        diagnose_search(search)


def test_capacity_of_a_parameter_not_searched_is_refused(tree_search):
    expected = r"capacity names \['depth'\].*it has \['criterion', 'max_depth'\]"
    with pytest.raises(ValueError, match=expected):
        diagnose_search(tree_search, capacity={"max_depth": [1, 2], "depth": [1]})


# One standard error


def test_simplest_is_within_one_standard_error(tree_search):
    """Compared with the rule written out for this grid."""
    order = [1, 2, 3, 5]
    diagnosis = diagnose_search(tree_search, capacity={"max_depth": order})
    scores = {
        (point["criterion"], point["max_depth"]): splits
        for point, splits in zip(
            tree_search.cv_results_["params"], split_scores(tree_search), strict=True
        )
    }
    criterion, depth = max(scores, key=lambda key: scores[key].mean())
    best = scores[criterion, depth]
    limit = best.mean() - best.std(ddof=1) / np.sqrt(3)
    expected = min(d for d in order if scores[criterion, d].mean() >= limit)
    assert diagnosis.best == {"criterion": criterion, "max_depth": depth}
    assert diagnosis.simplest == {"criterion": criterion, "max_depth": expected}
    expected_score = scores[criterion, expected].mean()
    assert diagnosis.simplest_score == pytest.approx(expected_score)
    assert diagnosis.has_simpler == (expected != depth)


hundredths = st.integers(0, 100).map(lambda n: n / 100)
splits = st.lists(hundredths, min_size=N_SPLITS, max_size=N_SPLITS)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_simplest_matches_brute_force(data):
    """Of two parameters, one or both are declared, in any order of their values."""
    values = {"a": data.draw(st.permutations([1, 2, 3])), "b": ["x", "y"]}
    points = [dict(zip("ab", pair, strict=True)) for pair in product(*values.values())]
    table = {key_of(point): data.draw(splits) for point in points}
    capacity = {"a": data.draw(st.permutations([1, 2, 3]))}
    if data.draw(st.booleans()):
        capacity["b"] = data.draw(st.permutations(["x", "y"]))
    search = prescribed_search(values, table)
    diagnosis = diagnose_search(search, capacity=capacity)

    def place(point):
        return [
            order.index(point[name]) / (len(order) - 1)
            for name, order in capacity.items()
        ]

    best = search.best_params_
    best_splits = np.array(table[key_of(best)])
    assert best_splits.mean() == pytest.approx(max(np.mean(s) for s in table.values()))
    limit = best_splits.mean() - best_splits.std(ddof=1) / np.sqrt(N_SPLITS)
    means = {key: np.mean(s) for key, s in table.items()}
    at_best = key_of(best)
    assume(all(abs(m - limit) > 1e-9 for k, m in means.items() if k != at_best))
    eligible = [
        point
        for point in points
        if point == best
        or (
            means[key_of(point)] >= limit
            and all(p <= q for p, q in zip(place(point), place(best), strict=True))
            and all(point[n] == best[n] for n in point if n not in capacity)
        )
    ]
    lowest = min(sum(place(point)) for point in eligible)
    assert diagnosis.simplest in eligible
    assert sum(place(diagnosis.simplest)) == pytest.approx(lowest)
    assert diagnosis.has_simpler == (diagnosis.simplest != best)
    assert diagnosis.ordered == list(capacity)


def test_sentences_recommend_the_simpler_candidate():
    accuracies = {1: [0.7, 0.9, 0.8, 0.8], 2: [0.6, 1.0, 0.8, 0.84], 3: [0.1] * 4}
    diagnosis = diagnose_search(prescribe(accuracies), capacity={"a": [3, 1, 2]})
    assert diagnosis.best == {"a": 2}
    assert diagnosis.simplest == {"a": 1}
    first, second = diagnosis.sentences[:2]
    assert first.startswith("The best candidate, a=2, has an error of 19.0 % on new")
    assert f"standard error {100 * np.std(accuracies[2], ddof=1) / 2:.1f} %" in first
    assert "a=1 with an error of 20.0 %: prefer it" in second
    assert "Recommended: a=1" in render_search(diagnosis)
    record = diagnosis.to_dict()
    assert record["simplest_error"] == pytest.approx(0.2)
    assert record["simplest_score"] == pytest.approx(0.8)


def test_sentences_say_if_no_candidate_is_simpler():
    search = prescribe({1: [0.7] * 4, 2: [0.8, 0.9, 0.8, 0.9]})
    diagnosis = diagnose_search(search, capacity={"a": [1, 2]})
    assert diagnosis.simplest == diagnosis.best == {"a": 2}
    assert not diagnosis.has_simpler
    assert "No simpler candidate" in diagnosis.sentences[1]
    assert "Best: a=2" in render_search(diagnosis)


def test_best_value_missing_in_capacity_has_no_simplest():
    search = prescribe({1: [0.7] * 4, 2: [0.8] * 4, 3: [0.9, 0.7, 0.8, 0.9]})
    diagnosis = diagnose_search(search, capacity={"a": [1, 2]})
    assert diagnosis.best == {"a": 3}
    assert diagnosis.simplest is None
    assert not diagnosis.has_simpler
    # A value of another candidate that is missing excludes only that candidate.
    diagnosis = diagnose_search(search, capacity={"a": [2, 3]})
    assert diagnosis.simplest == {"a": 2}


def test_simplest_has_the_same_parameters_as_the_best():
    """A candidate of another grid differs in parameters that the best does not set."""
    table = {
        key_of({"epochs": 5}): [0.1] * 4,
        key_of({"epochs": 10}): [0.7, 0.9, 0.8, 0.8],
        key_of({"epochs": 5, "a": 1}): [0.79] * 4,
    }
    grids = [{"epochs": [5, 10]}, {"epochs": [5], "a": [1]}]
    diagnosis = diagnose_search(prescribed_search(grids, table), ROWS, LABELS)
    assert diagnosis.best == {"epochs": 10}
    assert diagnosis.simplest == {"epochs": 10}


# The order of this package's own parameters


unit_floats = st.floats(0, 0.9, allow_subnormal=False).map(lambda x: round(x, 3))
small_sizes = st.lists(st.integers(1, 30), min_size=1, max_size=3).map(tuple)


def n_weights(sizes, n_inputs=1, n_outputs=2):
    widths = [n_inputs, *sizes, n_outputs]
    return sum(widths[i] * widths[i + 1] for i in range(len(widths) - 1))


@pytest.mark.parametrize(
    ("name", "values", "complexity"),
    [
        ("epochs", st.integers(1, 500), lambda value: value),
        ("dropout", unit_floats, lambda value: -value),
        ("hidden_dropout", unit_floats, lambda value: -value),
        ("l2", unit_floats, lambda value: -value),
        ("hidden_layer_sizes", small_sizes, n_weights),
        ("hidden_layer_sizes", st.integers(1, 30), lambda size: n_weights([size])),
        ("filters", st.integers(1, 30), lambda size: size),
    ],
)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_order_of_known_parameters(name, values, complexity, data):
    """With equal scores, the best is the first candidate; the simplest is chosen."""
    grid = data.draw(st.lists(values, min_size=2, max_size=5, unique_by=complexity))
    search = prescribed_search({name: grid}, [0.5] * N_SPLITS)
    diagnosis = diagnose_search(search, ROWS, LABELS)
    assert diagnosis.ordered == [name]
    assert diagnosis.best == {name: grid[0]}
    assert diagnosis.simplest == {name: min(grid, key=complexity)}


@pytest.mark.parametrize(
    ("grid", "simplest"),
    [
        ({"filters": [(8, 16), (4, 8), (32, 64)]}, {"filters": (4, 8)}),
        ({"filters": [(8,), (4,), (16,)]}, {"filters": (4,)}),
        (
            {"epochs": [20, 5], "l2": [0.0, 0.1], "dropout": [0.1, 0.5]},
            {"epochs": 5, "l2": 0.1, "dropout": 0.5},
        ),
        # Parameters without an order keep the best value.
        ({"a": [2, 1], "epochs": [20, 5]}, {"a": 2, "epochs": 5}),
    ],
)
def test_order_of_several_known_parameters(grid, simplest):
    search = prescribed_search(grid, [0.5] * N_SPLITS)
    diagnosis = diagnose_search(search, ROWS, LABELS)
    assert diagnosis.simplest == simplest
    assert sorted(diagnosis.ordered) == sorted(set(grid) - {"a"})


@pytest.mark.parametrize(
    "grid",
    [{"epochs": [5]}, {"a": [1, 2]}, {"l2": ["strong", 0.1]}, {"dropout": [None, 0.5]}],
)
def test_parameters_without_an_order_have_no_simplest(grid):
    diagnosis = diagnose_search(prescribed_search(grid, [0.5] * N_SPLITS))
    assert diagnosis.ordered == []
    assert diagnosis.simplest is None
    assert len(diagnosis.sentences) <= 2


@pytest.mark.slow
def test_layer_sizes_are_ordered_by_weights_of_the_network(digits):
    """A wide layer is more complex than two narrow ones only with many inputs."""
    X, y = digits[0][:40], digits[1][:40]
    sizes = [(20,), (15, 15)]
    for data, expected in (((X, y), (15, 15)), ((X[:, :1], y % 2), (20,))):
        weights = {
            each: sum(
                array.size
                for array in KerasMLPClassifier(hidden_layer_sizes=each, epochs=1)
                .fit(*data)
                .model_.get_weights()
                if array.ndim == 2
            )
            for each in sizes
        }
        assert min(weights, key=weights.get) == expected
        grid = {"hidden_layer_sizes": sorted(sizes, key=weights.get, reverse=True)}
        search = prescribed_search(grid, [0.5] * N_SPLITS)
        diagnosis = diagnose_search(search, *data)
        assert diagnosis.simplest == {"hidden_layer_sizes": expected}


@pytest.mark.slow
def test_search_of_a_keras_pipeline(digits):
    """Known parameters are recognised behind the names of the steps."""
    X, y = digits[0][:150], digits[1][:150]
    network = KerasMLPClassifier(random_state=0, learning_rate=0.01)
    pipeline = make_pipeline(MinMaxScaler(), network)
    step = "kerasmlpclassifier__"
    grid = {
        f"{step}hidden_layer_sizes": [(4,), (16,), (8, 8)],
        f"{step}epochs": [1, 4],
        f"{step}activation": ["relu", "tanh"],
    }
    search = GridSearchCV(pipeline, grid, cv=2, return_train_score=True).fit(X, y)
    diagnosis = diagnose_search(search, X, y)
    ordered = [f"{step}epochs", f"{step}hidden_layer_sizes"]
    assert sorted(diagnosis.ordered) == ordered
    assert diagnosis.best == search.best_params_
    assert set(diagnosis.curves) == {"hidden_layer_sizes", "epochs", "activation"}
    columns = ["activation", "epochs", "hidden_layer_sizes"]
    assert sorted(diagnosis.results.columns[:3]) == columns
    assert set(diagnosis.to_dict()["best"]) == set(columns)
    assert step not in " ".join(diagnosis.sentences)
    sizes = diagnosis.curves["hidden_layer_sizes"]["value"].unique().tolist()
    assert sizes == ["4", "8x8", "16"]  # 296, 656 and 1,184 weights

    order = {ordered[0]: [1, 4], ordered[1]: [(4,), (8, 8), (16,)]}
    declared = diagnose_search(search, X, y, capacity=order)
    assert declared.simplest == diagnosis.simplest
    means = search.cv_results_["mean_test_score"]
    near = [
        point
        for point, mean in zip(search.cv_results_["params"], means, strict=True)
        if mean >= search.best_score_ - diagnosis.standard_error
    ]
    best = search.best_params_
    assert diagnosis.simplest in near
    for point in near:
        if point[f"{step}activation"] != best[f"{step}activation"]:
            continue
        if all(v.index(point[n]) <= v.index(best[n]) for n, v in order.items()):
            places = [
                sum(v.index(each[n]) / (len(v) - 1) for n, v in order.items())
                for each in (diagnosis.simplest, point)
            ]
            assert places[0] <= places[1]


# Values of parameters


@pytest.mark.parametrize(
    ("accuracies", "edges"),
    [
        ({1: 0.9, 2: 0.5, 3: 0.5}, [Edge("a", 1, "lowest", [1, 2, 3])]),
        ({2: 0.5, 3.5: 0.9, 1: 0.5}, [Edge("a", 3.5, "highest", [1, 2, 3.5])]),
        ({1: 0.5, 2: 0.9, 3: 0.5}, []),
        ({0: 0.9, 1: 0.5}, []),
        ({0.0: 0.9, 0.1: 0.5}, []),
        ({0: 0.5, 1: 0.9}, [Edge("a", 1, "highest", [0, 1])]),
        ({-1: 0.9, 1: 0.5}, [Edge("a", -1, "lowest", [-1, 1])]),
        ({7: 0.9}, []),
        ({"x": 0.9, "y": 0.5}, []),
        ({True: 0.9, False: 0.5}, []),
        ({(1,): 0.9, (2,): 0.5}, []),
        ({1: 0.9, "auto": 0.5}, []),
    ],
)
def test_edges_are_the_lowest_or_highest_number(accuracies, edges):
    search = prescribe({a: [accuracy] * N_SPLITS for a, accuracy in accuracies.items()})
    diagnosis = diagnose_search(search)
    assert diagnosis.edges == edges
    assert diagnosis.to_dict()["edges"] == [edge.name for edge in edges]
    at_edge = [s for s in diagnosis.sentences if "edge of the grid" in s]
    assert len(at_edge) == len(edges)
    assert all("best value of a is" in sentence for sentence in at_edge)


@pytest.mark.parametrize(
    ("others", "n_edges"),
    [
        ({2: 0.89, 3: 0.5}, 0),  # within a standard error of 0.02
        ({2: 0.87, 3: 0.5}, 1),
        ({2: 0.5, 3: 0.89}, 1),  # the other edge
        ({3: 0.89}, 0),
        ({3: 0.87}, 1),
    ],
)
def test_flat_grid_has_no_edges(others, n_edges):
    scatter = np.linspace(-1, 1, N_SPLITS)
    scatter *= 0.02 * np.sqrt(N_SPLITS) / np.std(scatter, ddof=1)
    diagnosis = diagnose_search(
        prescribe({a: list(mean + scatter) for a, mean in ({1: 0.9} | others).items()})
    )
    assert diagnosis.best == {"a": 1}
    assert len(diagnosis.edges) == n_edges


def test_edge_is_proven_better_than_values_inside():
    """The scores of both candidates are 0.4 apart, more than a standard error."""
    best = [0.9, 0.9, 0.9, 0.9]
    for inside, n_edges in (([0.5, 0.5, 0.4, 0.6], 1), ([0.9, 0.9, 0.1, 0.1], 0)):
        diagnosis = diagnose_search(prescribe({1: best, 2: inside, 3: [0.1] * 4}))
        assert diagnosis.best == {"a": 1}
        assert len(diagnosis.edges) == n_edges


def test_single_split_proves_no_edge(iris):
    split = ShuffleSplit(1, test_size=0.5, random_state=0)
    tree = DecisionTreeClassifier(random_state=0)
    search = GridSearchCV(tree, {"max_depth": [1, 2]}, cv=split).fit(*iris)
    assert search.best_params_ == {"max_depth": 2}
    assert diagnose_search(search).edges == []


def test_edges_of_numpy_values_and_of_several_parameters():
    values = {"a": np.array([1.0, 2.0]), "b": np.arange(2, 5)}
    table = {
        key_of({"a": a, "b": b}): [0.9 if (a, b) == (2, 2) else 0.5] * N_SPLITS
        for a, b in product(*values.values())
    }
    diagnosis = diagnose_search(prescribed_search(values, table))
    assert [(edge.name, edge.side) for edge in diagnosis.edges] == [
        ("a", "highest"),
        ("b", "lowest"),
    ]
    assert "The best value of a and of b is at the edge" in diagnosis.sentences[-1]


def test_distributions_have_no_edges(iris):
    search = RandomizedSearchCV(
        SVC(),
        {"C": loguniform(1e-2, 1e2), "gamma": [0.1, 1.0]},
        n_iter=6,
        cv=3,
        random_state=0,
    ).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    assert "C" not in [edge.name for edge in diagnosis.edges]
    assert len(diagnosis.results) == 6
    assert diagnosis.results["C"].tolist() == list(search.cv_results_["param_C"])


def test_grids_with_different_parameters(iris):
    """A parameter that a candidate does not have is missing in its row."""
    grids = [
        {"kernel": ["linear"], "C": [0.1, 1, 10]},
        {"kernel": ["rbf"], "C": [0.1, 1, 10], "gamma": [0.01, 0.1]},
    ]
    search = GridSearchCV(SVC(), grids, cv=3).fit(*iris)
    diagnosis = diagnose_search(search, capacity={"C": [0.1, 1, 10]})
    assert diagnosis.best == search.best_params_
    assert len(diagnosis.results) == 9
    assert set(diagnosis.results.columns[:3]) == {"kernel", "C", "gamma"}
    gamma = diagnosis.results.set_index("kernel")["gamma"]
    assert gamma["linear"].isna().all()
    assert gamma["rbf"].notna().all()
    assert diagnosis.simplest["kernel"] == diagnosis.best["kernel"]
    assert set(diagnosis.simplest) == set(diagnosis.best)
    json.dumps(diagnosis.to_dict(), allow_nan=False)


@pytest.mark.parametrize("best_grid", [0, 1])
def test_edges_of_several_grids_are_those_of_the_best_one(best_grid):
    grids = [{"a": [1, 2]}, {"b": [1, 2, 3]}]
    table = {key_of({"a": a}): [0.5] * N_SPLITS for a in (1, 2)}
    table |= {key_of({"b": b}): [0.5] * N_SPLITS for b in (1, 2, 3)}
    best = [{"a": 2}, {"b": 2}][best_grid]
    table[key_of(best)] = [0.9] * N_SPLITS
    diagnosis = diagnose_search(prescribed_search(grids, table))
    assert diagnosis.best == best
    expected = [[Edge("a", 2, "highest", [1, 2])], []][best_grid]
    assert diagnosis.edges == expected


def test_values_of_any_type(iris):
    """Strings, None, tuples and arrays are written, compared and drawn."""
    search = GridSearchCV(
        GaussianNB(),
        {
            "priors": [None, np.full(3, 1 / 3), (0.2, 0.4, 0.4)],
            "var_smoothing": [1e-9, 1e-2],
        },
        cv=3,
        return_train_score=True,
    ).fit(*iris)
    diagnosis = diagnose_search(search, *iris, capacity={"var_smoothing": [1e-2, 1e-9]})
    # Not `==`, as the best value may be an array.
    assert diagnosis.best.keys() == search.best_params_.keys()
    assert diagnosis.best["priors"] is search.best_params_["priors"]
    assert diagnosis.simplest["priors"] is diagnosis.best["priors"]
    assert len(diagnosis.curves["priors"]) == 9
    record = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    priors = [row["priors"] for row in record["results"]]
    assert priors[0] is None
    assert priors[2] == pytest.approx([1 / 3] * 3)
    assert priors[4] == [0.2, 0.4, 0.4]
    assert "var_smoothing=" in render_search(diagnosis)
    close(diagnosis.plot())


def test_estimators_as_values(iris):
    """Steps of a Pipeline are values, too."""
    grid = {
        "standardscaler": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "gaussiannb__var_smoothing": [1e-9, 1e-1],
    }
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    search = GridSearchCV(pipeline, grid, cv=3).fit(*iris)
    diagnosis = diagnose_search(search)
    assert set(diagnosis.curves) == {"var_smoothing", "standardscaler"}
    values = diagnosis.curves["standardscaler"]["value"].unique()
    assert set(values) == {"StandardScaler()", "MinMaxScaler()", "passthrough"}
    json.dumps(diagnosis.to_dict(), allow_nan=False)


def test_names_of_steps_are_kept_if_they_distinguish_parameters(iris):
    pipeline = make_pipeline(MinMaxScaler(), StandardScaler(), GaussianNB())
    grid = {"minmaxscaler__copy": [True, False], "standardscaler__copy": [True, False]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(*iris)
    diagnosis = diagnose_search(search)
    assert set(diagnosis.curves) == set(grid)
    assert set(diagnosis.results.columns[:2]) == set(grid)


# Scores


@FAILED
def test_failed_fits_rank_last():
    table = {key_of({"a": a}): [0.5 + a / 10] * N_SPLITS for a in (1, 3)}
    search = prescribed_search({"a": [4, 3, 2, 1]}, table, return_train_score=True)
    diagnosis = diagnose_search(search, capacity={"a": [4, 2, 1, 3]})
    assert diagnosis.best == {"a": 3}
    assert diagnosis.simplest == {"a": 3}
    assert diagnosis.results["rank"].tolist() == [3, 1, 3, 2]
    assert diagnosis.to_frame()["a"].tolist() == [3, 1, 4, 2]
    assert diagnosis.results["validation_accuracy"].isna().tolist() == [1, 0, 1, 0]
    record = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert record["results"][0]["validation_accuracy"] is None
    assert "nan" not in Page(render_search(diagnosis)).text.lower()
    assert len(diagnosis.curves["a"]) == 4 * N_SPLITS
    close(diagnosis.plot())


@FAILED
def test_candidate_with_one_failed_split_ranks_last():
    table = {key_of({"a": 1}): [0.5] * 4, key_of({"a": 2}): [1.0, 1.0, 1.0, np.nan]}
    search = prescribed_search({"a": [1, 2]}, table)
    diagnosis = diagnose_search(search, capacity={"a": [2, 1]})
    assert diagnosis.best == diagnosis.simplest == {"a": 1}
    assert diagnosis.results["rank"].tolist() == [1, 2]
    close(diagnosis.plot())


def test_single_split_has_no_standard_error(iris):
    search = GridSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": [1, 5, 9]},
        cv=ShuffleSplit(1, random_state=0),
        return_train_score=True,
    ).fit(*iris)
    diagnosis = diagnose_search(search, *iris, capacity={"n_neighbors": [9, 5, 1]})
    assert np.isnan(diagnosis.standard_error)
    assert diagnosis.simplest == diagnosis.best == search.best_params_
    assert diagnosis.n_fits == 3
    assert diagnosis.results["validation_standard_error"].isna().all()
    record = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert record["standard_error"] is None
    close(diagnosis.plot())


def test_results_agree_with_cv_results(tree_search):
    diagnosis = diagnose_search(tree_search)
    results, found = diagnosis.results, tree_search.cv_results_
    assert len(results) == len(found["params"])
    for name in ("criterion", "max_depth"):
        assert results[name].tolist() == list(found[f"param_{name}"])
    for side, key in (("train", "train"), ("validation", "test")):
        mean, error = results[f"{side}_accuracy"], results[f"{side}_standard_error"]
        np.testing.assert_allclose(mean, found[f"mean_{key}_score"])
        # scikit-learn divides by n, not by n - 1.
        np.testing.assert_allclose(error, found[f"std_{key}_score"] / np.sqrt(3 - 1))
    assert results["rank"].tolist() == found["rank_test_score"].tolist()
    assert results["fit_time"].tolist() == found["mean_fit_time"].tolist()
    frame = diagnosis.to_frame()
    assert frame["rank"].is_monotonic_increasing
    assert frame.sort_index().equals(results)
    assert frame.index[0] == tree_search.best_index_
    # The caller may change the copy.
    frame["rank"] = 0
    assert diagnosis.results["rank"].min() == 1


@settings(max_examples=30, deadline=None)
@given(accuracies=st.lists(splits, min_size=2, max_size=6))
def test_ranks_agree_with_scikit_learn(accuracies):
    search = prescribe(dict(enumerate(accuracies)))
    diagnosis = diagnose_search(search)
    assert diagnosis.results["rank"].tolist() == list(
        search.cv_results_["rank_test_score"]
    )
    assert diagnosis.to_frame().index[0] == search.best_index_


def test_curves_agree_with_cv_results(tree_search):
    diagnosis = diagnose_search(tree_search)
    best, params = tree_search.best_params_, tree_search.cv_results_["params"]
    assert set(diagnosis.curves) == set(best)
    for name, curve in diagnosis.curves.items():
        (other,) = set(best) - {name}
        values = [p[name] for p in params if p[other] == best[other]]
        if name == "max_depth":
            values = sorted(values)
        assert curve["value"].tolist() == [str(v) for v in values for _ in range(3)]
        assert curve["fold"].tolist() == [1, 2, 3] * len(values)
        for side, key in (("train", "train"), ("validation", "test")):
            scores = split_scores(tree_search, side=key)
            expected = [
                scores[params.index({name: value, other: best[other]})]
                for value in values
            ]
            assert curve[f"{side}_accuracy"].tolist() == np.ravel(expected).tolist()


# Output


def close(figure):
    import matplotlib.pyplot as plt

    plt.close(figure)


class Page(HTMLParser):
    """Collects what a page refers to, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "srcset")]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.text += data


def test_to_dict_is_json(tree_search, iris):
    diagnosis = diagnose_search(
        tree_search, *iris, capacity={"max_depth": [1, 2, 3, 5]}
    )
    record = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert record["best"] == tree_search.best_params_
    assert record["best_score"] == pytest.approx(tree_search.best_score_)
    assert record["best_error"] == pytest.approx(1 - tree_search.best_score_)
    assert record["standard_error"] == pytest.approx(diagnosis.standard_error)
    assert record["simplest"] == diagnosis.simplest
    assert record["ordered_by_complexity"] == ["max_depth"]
    assert record["sentences"] == diagnosis.sentences
    assert record["n_fits"] == 24
    assert len(record["results"]) == 8
    assert record["data"]["X"]["shape"] == [150, 4]
    assert record["data"]["y"]["shape"] == [150]
    assert len(record["data"]["X"]["sha256"]) == 64
    assert diagnose_search(tree_search).to_dict()["data"] == {}


def test_to_html_writes_a_self_contained_page(tree_search, iris, tmp_path):
    diagnosis = diagnose_search(
        tree_search, *iris, capacity={"max_depth": [1, 2, 3, 5]}
    )
    path = tmp_path / "search.html"
    path.write_text("earlier")
    diagnosis.to_html(path)
    html = path.read_text()
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert [p.name for p in tmp_path.iterdir()] == ["search.html"]
    assert page.tags.count("img") == 1 + len(diagnosis.curves) == 3
    assert len(page.links) == 3
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "@import" not in html
    assert "url(" not in html
    text = " ".join(page.text.split())
    for sentence in diagnosis.sentences:
        assert sentence in text
    assert "150 samples, 8 parameter combinations, 24 fits" in text
    assert page.tags.count("tr") >= 9


def test_to_html_of_a_missing_folder_raises_os_error(tmp_path):
    diagnosis = diagnose_search(prescribe({"x": [0.5] * 4, "y": [0.9] * 4}))
    with pytest.raises(OSError):
        diagnosis.to_html(tmp_path / "missing" / "search.html")


def test_html_of_values_is_escaped():
    hostile = "<script>alert(1)</script>"
    diagnosis = diagnose_search(prescribe({hostile: [0.9] * 4, "$x$": [0.5] * 4}))
    page = Page(render_search(diagnosis))
    assert "script" not in page.tags
    assert hostile in page.text


def test_plot_has_axes_for_each_curve_and_for_the_heat_map(tree_search):
    diagnosis = diagnose_search(tree_search)
    figure = diagnosis.plot()
    *axes, heat_map = figure.axes
    assert heat_map.get_title() == "Validation accuracy (%)"
    for ax, (name, curve) in zip(axes, diagnosis.curves.items(), strict=True):
        assert ax.get_xlabel() == name
        assert "Accuracy" in ax.get_ylabel()
        values = curve["value"].unique().tolist()
        assert [text.get_text() for text in ax.get_xticklabels()] == values
        for line, side in zip(ax.lines, ("train", "validation"), strict=True):
            means = curve.groupby("value", sort=False)[f"{side}_accuracy"].mean()
            np.testing.assert_allclose(line.get_ydata(), means)
    close(figure)


def test_plot_without_train_scores_has_one_line(iris):
    search = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=3, scoring="f1_macro"
    ).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    assert not [name for name in diagnosis.results if name.startswith("train")]
    assert list(diagnosis.curves["n_neighbors"]) == [
        "value",
        "fold",
        "validation_score",
    ]
    figure = diagnosis.plot()
    (ax,) = figure.axes
    assert len(ax.lines) == 1
    assert ax.get_ylabel() == "f1_macro"
    close(figure)
    assert "<img" in render_search(diagnosis)


ACCURACIES = {
    ("y", 1): [0.5] * 4,
    ("y", 2): [0.6] * 4,
    ("y", 10): [0.7, 0.8, 0.9, 1.0],
    ("x", 1): [0.2] * 4,
    ("x", 2): [0.3] * 4,
    ("x", 10): [0.4] * 4,
}


def search_of_two(candidates=tuple(ACCURACIES)):
    """Return a diagnosed search over `a` and `b` with prescribed accuracies."""
    grid = [{"a": [a], "b": [b], "l2": [0.1]} for a, b in candidates]
    table = {key_of({"a": a, "b": b, "l2": 0.1}): s for (a, b), s in ACCURACIES.items()}
    return diagnose_search(prescribed_search(grid, table))


def test_heat_map_is_the_mean_score_by_two_parameters():
    diagnosis = search_of_two([*ACCURACIES][::-1])
    table = diagnosis.heat_map
    assert table.index.name == "a"
    assert table.columns.name == "b"
    # Numbers in their order, other values as they were tried, as in the curves.
    assert table.index.tolist() == ["x", "y"]
    assert table.columns.tolist() == ["1", "2", "10"]
    np.testing.assert_allclose(table, [[0.2, 0.3, 0.4], [0.5, 0.6, 0.85]])


def test_heat_map_is_drawn_with_scores_and_the_best_outlined():
    figure = search_of_two().plot()
    ax = figure.axes[-1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b", "a")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["y", "x"]
    scores = [float(text.get_text()) for text in ax.texts]
    assert scores == [50.0, 60.0, 85.0, 20.0, 30.0, 40.0]
    (best,) = ax.patches
    assert best.get_xy() == (1.5, -0.5)  # around the cell of 85.0
    close(figure)


def test_combinations_without_a_score_are_blank_in_the_heat_map():
    candidates = [c for c in ACCURACIES if c != ("x", 10)]
    diagnosis = search_of_two(candidates)
    assert np.isnan(diagnosis.heat_map.loc["x", "10"])
    figure = diagnosis.plot()
    assert len(figure.axes[-1].texts) == 5
    close(figure)


@pytest.mark.parametrize(
    "grid",
    [
        {"max_depth": [1, 2]},
        {"max_depth": [1, 2], "criterion": ["gini", "entropy"], "splitter": ["best"]},
        {"max_depth": [1, 2], "criterion": ["gini", "entropy"], "ccp_alpha": [0, 0.1]},
        [{"max_depth": [1, 2]}, {"criterion": ["gini", "entropy"]}],
    ],
)
def test_heat_map_needs_exactly_two_parameters(iris, grid):
    tree = DecisionTreeClassifier(random_state=0)
    diagnosis = diagnose_search(GridSearchCV(tree, grid, cv=2).fit(*iris))
    assert (diagnosis.heat_map is not None) == ("splitter" in grid)


def test_random_search_over_continuous_parameters_has_no_heat_map(iris):
    distributions = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-2, 1e2)}
    search = RandomizedSearchCV(SVC(), distributions, n_iter=6, random_state=0)
    assert diagnose_search(search.fit(*iris)).heat_map is None


def test_heat_map_of_halving_search_is_of_the_first_round(iris):
    grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    tree = DecisionTreeClassifier(random_state=0)
    search = HalvingGridSearchCV(tree, grid, random_state=0).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    first = diagnosis.results.query("round == 1")
    assert diagnosis.heat_map.shape == (2, 3)
    for row in first.to_dict("records"):
        cell = diagnosis.heat_map.loc[row["criterion"], str(row["max_depth"])]
        assert cell == pytest.approx(row["validation_accuracy"])
    figure = diagnosis.plot()
    assert "first round of halving" in figure.axes[-1].get_title()
    close(figure)
    assert "the outlined combination was the best in the last round" in render_search(
        diagnosis
    )


def test_large_heat_map_has_colours_instead_of_numbers(iris):
    grid = {"max_depth": range(1, 12), "min_samples_leaf": [1, 2]}
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=2)
    figure = diagnose_search(search.fit(*iris)).plot()
    *_, ax, colors = figure.axes
    assert len(ax.texts) == 0
    assert colors.get_ylabel() == "Validation accuracy (%)"
    close(figure)


def test_heat_map_file_of_an_earlier_search_is_removed(tmp_path):
    write_search(search_of_two(), tmp_path)
    assert (tmp_path / "heat_map.png").read_bytes().startswith(b"\x89PNG")
    write_search(diagnose_search(prescribe({1: [0.5] * 4, 2: [0.9] * 4})), tmp_path)
    assert not (tmp_path / "heat_map.png").exists()


def test_page_has_model_data_date_and_the_choice_as_its_heading(tree_search, iris):
    diagnosis = diagnose_search(tree_search, *iris)
    html = render_search(diagnosis)
    text = " ".join(re.sub("<[^>]*>", " ", html).split())
    assert "Model DecisionTreeClassifier(random_state=0)" in text
    assert "Data 150 samples of 4 values, float64" in text
    assert re.search(r"Date \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
    assert re.findall("<h1>(.*)</h1>", html) == ["Best: criterion=gini max_depth=5"]


def test_search_json_has_the_date(tmp_path):
    write_search(search_of_two(), tmp_path)
    date = json.loads((tmp_path / "search.json").read_text())["date"]
    assert datetime.fromisoformat(date).utcoffset() == timedelta(0)
    assert f'datetime="{date}"' in (tmp_path / "report.html").read_text()


def test_notebook_shows_a_card_and_the_sentences_as_text(tree_search, iris):
    diagnosis = diagnose_search(tree_search, *iris)
    bundle = diagnosis._repr_mimebundle_()
    assert bundle["text/plain"] == str(diagnosis)
    card = Page(bundle["text/html"])
    assert not {"html", "h1", "script"} & set(card.tags)
    assert card.tags.count("img") == 1
    assert card.tags.count("tr") == 1 + 5
    text = card.text.replace("\N{NBSP}", " ")
    assert all(sentence in text for sentence in diagnosis.sentences)


def test_plot_of_a_single_candidate_is_refused():
    diagnosis = diagnose_search(prescribe({1: [0.5] * N_SPLITS}))
    assert diagnosis.curves == {}
    with pytest.raises(ValueError, match="no validation curve"):
        diagnosis.plot()
    assert "<img" not in render_search(diagnosis)


def test_repr_and_str():
    diagnosis = diagnose_search(prescribe({1: [0.5] * N_SPLITS, 2: [0.9] * N_SPLITS}))
    assert repr(diagnosis) == "SearchDiagnosis(best={'a': 2}, n_fits=8)"
    assert str(diagnosis) == "\n".join(diagnosis.sentences)


def test_diagnose_search_does_not_change_the_search(tree_search, iris):
    before = repr(tree_search.cv_results_)
    diagnosis = diagnose_search(tree_search, *iris)
    diagnosis.best["max_depth"] = None
    diagnosis.results["rank"] = 0
    assert repr(tree_search.cv_results_) == before
    assert diagnosis.best == tree_search.best_params_


class Constant(Prescribed):
    """Classifier that has the number of features and scores 0.5."""

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
        return self

    def score(self, X, y):
        return 0.5


def test_curves_of_grids_with_different_parameters_can_be_drawn(iris):
    grids = [
        {"kernel": ["linear"], "C": [0.1, 1, 10]},
        {"kernel": ["rbf"], "C": [0.1, 1, 10], "gamma": [0.01, 0.1]},
    ]
    diagnosis = diagnose_search(GridSearchCV(SVC(), grids, cv=3).fit(*iris), *iris)
    assert diagnosis.best["kernel"] == "linear"
    assert "gamma" not in diagnosis.curves  # the best candidate has none
    close(diagnosis.plot())
    render_search(diagnosis)


def test_halving_over_a_parameter_as_resource_can_be_drawn(iris):
    search = HalvingGridSearchCV(
        RandomForestClassifier(random_state=0),
        {"max_depth": [1, 2, 4]},
        resource="n_estimators",
        max_resources=8,
        factor=2,
    ).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    assert set(diagnosis.curves) == {"max_depth"}
    assert diagnosis.curves["max_depth"]["value"].unique().tolist() == ["1", "2", "4"]
    close(diagnosis.plot())


@pytest.mark.parametrize(
    ("make", "grid", "settings"),
    [
        (GridSearchCV, [{"max_depth": [1, 2]}, {"max_depth": [2, 3]}], {}),
        (
            RandomizedSearchCV,
            {"max_depth": randint(1, 4)},
            {"n_iter": 8, "random_state": 0},
        ),
    ],
)
def test_candidates_that_were_tried_twice_can_be_drawn(iris, make, grid, settings):
    search = make(DecisionTreeClassifier(random_state=0), grid, **settings).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    close(diagnosis.plot())  # ValueError: Index contains duplicate entries
    render_search(diagnosis)


def test_value_between_those_of_overlapping_grids_is_no_edge():
    accuracies = {1: 0.5, 2: 0.9, 3: 0.5}
    table = {key_of({"a": a}): [v] * N_SPLITS for a, v in accuracies.items()}
    diagnosis = diagnose_search(
        prescribed_search([{"a": [1, 2]}, {"a": [2, 3]}], table)
    )
    assert diagnosis.best == {"a": 2}
    assert diagnosis.edges == []  # highest of [1, 2] and lowest of [2, 3]


def test_candidate_of_equal_complexity_is_not_simpler():
    """The filters (8, 16) and (16, 8) have the same number of weights."""
    table = {
        key_of({"filters": (8, 16)}): [0.79] * 4,
        key_of({"filters": (16, 8)}): [0.7, 0.9, 0.8, 0.8],
        key_of({"filters": (32, 64)}): [0.1] * 4,
    }
    grid = {"filters": [(8, 16), (16, 8), (32, 64)]}
    diagnosis = diagnose_search(prescribed_search(grid, table), ROWS, LABELS)
    assert diagnosis.best == {"filters": (16, 8)}
    assert diagnosis.simplest == diagnosis.best  # (8, 16): "prefer it"
    assert not diagnosis.has_simpler


def test_sentences_of_a_single_split_have_no_nan(iris):
    search = GridSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": [1, 5]},
        cv=ShuffleSplit(1, random_state=0),
    ).fit(*iris)
    diagnosis = diagnose_search(search, capacity={"n_neighbors": [5, 1]})
    assert "nan" not in str(diagnosis)  # "(standard error nan %)"
    assert "within one standard error" not in str(diagnosis)


def test_plot_of_a_continuous_random_search_is_refused(iris):
    """No other candidate shares the parameters of the best."""
    search = RandomizedSearchCV(
        SVC(),
        {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-2, 1e2)},
        n_iter=6,
        random_state=0,
    ).fit(*iris)
    with pytest.raises(ValueError, match="no validation curve"):
        diagnose_search(search).plot()  # draws curves of one point


def test_page_shows_standard_errors_in_the_unit_of_the_accuracy(iris):
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}).fit(*iris)
    diagnosis = diagnose_search(search, *iris)
    row = diagnosis.results.iloc[search.best_index_]
    # "97.3 %" beside "0.0125". Both were percent before.
    cell = f"<td>{100 * row['validation_standard_error']:.1f} %</td>"
    assert cell in render_search(diagnosis)


def test_sizes_are_ordered_by_the_labels_that_the_search_knows():
    """Without X and y, the fitted search has `n_features_in_` and `classes_`."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 1)), np.arange(60) % 20
    # 1 input, 20 outputs: (6,) has 126 weights, (5, 3) has 80.
    grid = {"hidden_layer_sizes": [(6,), (5, 3)]}
    search = GridSearchCV(Constant(), grid, cv=2).fit(X, y)
    assert diagnose_search(search, X, y).simplest == {"hidden_layer_sizes": (5, 3)}
    assert diagnose_search(search).simplest == {"hidden_layer_sizes": (5, 3)}  # (6,)


def test_keras_objects_are_written_without_an_address():
    import keras

    decay = keras.optimizers.schedules.CosineDecay(0.01, 50, warmup_steps=2)
    text = written_value(decay)
    assert text.startswith("CosineDecay(initial_learning_rate=0.01, decay_steps=50")
    assert " at 0x" not in text


def test_score_of_a_regressor_is_no_error():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1, 10]}).fit(X, X[:, 0] + y)
    said = str(diagnose_search(search))
    assert "error of" not in said
    assert "score" in said


def test_what_is_no_search_is_said_so():
    fitted = GaussianNB().fit(*load_iris(return_X_y=True))
    with pytest.raises(ValueError, match=r"takes a fitted search.*got GaussianNB\(\)"):
        diagnose_search(fitted)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_search_without_a_score_has_no_best_candidate():
    def missing(clf, X, y):
        return np.nan

    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=2)
    search.set_params(scoring=missing).fit(*load_iris(return_X_y=True))
    with pytest.raises(ValueError, match="no score on some splits"):
        diagnose_search(search)
    assert not find_edges(search, read_scores(search))


def test_search_of_one_candidate_without_parameters():
    search = GridSearchCV(GaussianNB(), {}, cv=2).fit(*load_iris(return_X_y=True))
    assert str(diagnose_search(search)).startswith("The only candidate has an error of")


def test_capacity_that_is_no_dict_is_refused():
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=2)
    search.fit(*load_iris(return_X_y=True))
    with pytest.raises(ValueError, match="capacity should be a dict .* got 'n_neigh"):
        diagnose_search(search, capacity="n_neighbors")

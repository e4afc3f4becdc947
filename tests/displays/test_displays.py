import subprocess
import sys
from types import SimpleNamespace

import keras
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import KerasMLPClassifier
from skmnist.displays import EpochCurveDisplay, FitDiagnosisDisplay


@pytest.fixture
def curves():
    return pd.DataFrame(
        {
            "fold": [1, 1, 1, 2, 2, 2],
            "epoch": [1, 2, 3, 1, 2, 3],
            "train_loss": [0.9, 0.5, 0.3, 0.7, 0.3, 0.1],
            "validation_loss": [0.9, 0.6, 0.5, 0.7, 0.4, 0.5],
            "train_accuracy": [0.7, 0.9, 0.98, 0.8, 0.92, 1.0],
            "validation_accuracy": [0.7, 0.8, 0.9, 0.8, 0.9, 0.92],
        }
    )


@pytest.fixture
def ax():
    return Figure(figsize=(6, 4)).subplots()


def estimate(value, low, high):
    return SimpleNamespace(value=value, low=low, high=high)


@pytest.fixture
def diagnosis():
    return SimpleNamespace(
        verdict="overfit",
        reference="RBF-SVC",
        tolerance=0.02,
        bias=estimate(-0.01, -0.02, 0.0),
        gap=estimate(0.05, 0.03, 0.07),
        errors={
            "reference": estimate(0.02, 0.01, 0.03),
            "train": estimate(0.01, 0.005, 0.02),
            "validation": estimate(0.06, 0.05, 0.08),
        },
    )


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_lines_are_means_over_folds(curves, ax):
    display = EpochCurveDisplay(curves).plot(ax)
    train, validation = display.lines_
    np.testing.assert_allclose(train.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(train.get_ydata(), [0.75, 0.91, 0.99])
    np.testing.assert_allclose(validation.get_ydata(), [0.75, 0.85, 0.91])


def band_edges(display, side):
    vertices = display.bands_[side].get_paths()[0].vertices
    last = vertices[vertices[:, 0] == 3, 1]
    return last.min(), last.max()


def test_range_band_and_its_legend(curves, ax):
    display = EpochCurveDisplay(curves).plot(ax)
    np.testing.assert_allclose(band_edges(display, 0), (0.98, 1.0))
    assert legend(ax)[-1] == "Band: lowest to highest fold"


def test_std_band_and_its_legend(curves, ax):
    display = EpochCurveDisplay(curves).plot(ax, band="std")
    sd = np.std([0.98, 1.0], ddof=1)
    np.testing.assert_allclose(band_edges(display, 0), (0.99 - sd, 0.99 + sd))
    assert legend(ax)[-1] == "Band: ±1 standard deviation"


def test_single_fold_has_no_band(curves, ax):
    display = EpochCurveDisplay(curves.query("fold == 1")).plot(ax)
    assert display.bands_ == []
    assert legend(ax) == ["Training", "Validation"]


def test_epoch_reached_by_a_single_fold_is_drawn(curves, ax):
    display = EpochCurveDisplay(curves.iloc[:-1]).plot(ax, band="std")
    assert display.lines_[0].get_ydata()[-1] == pytest.approx(0.98)
    np.testing.assert_allclose(band_edges(display, 0), (0.98, 0.98))


def test_plot_quantity_overrides_that_of_the_display(curves, ax):
    display = EpochCurveDisplay(curves, quantity="accuracy").plot(ax, quantity="loss")
    np.testing.assert_allclose(display.lines_[0].get_ydata(), [0.8, 0.4, 0.2])
    assert "loss" in ax.get_ylabel()


@pytest.mark.parametrize("n_epochs", [1, 2, 3])
def test_epoch_ticks_are_integers(curves, n_epochs):
    figure = Figure()
    ax = figure.subplots()
    EpochCurveDisplay(curves[curves["epoch"] <= n_epochs]).plot(ax)
    figure.draw_without_rendering()
    low, high = ax.get_xlim()
    shown = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert shown
    assert all(float(tick).is_integer() and tick >= 1 for tick in shown)


def test_history_and_inference_plots_have_different_labels(curves):
    history = {"loss": [0.9, 0.5], "accuracy": [0.7, 0.9]}
    history |= {"val_loss": [0.8, 0.6], "val_accuracy": [0.7, 0.8]}
    inference, reported = Figure().subplots(), Figure().subplots()
    EpochCurveDisplay(curves).plot(inference)
    EpochCurveDisplay.from_history(history, ax=reported)
    assert "inference mode" in inference.get_title()
    assert "Keras reports" in reported.get_title()
    assert not set(legend(inference)) & set(legend(reported))


def test_history_without_validation_draws_training_only(ax):
    display = EpochCurveDisplay.from_history(
        {"loss": [0.9, 0.5]}, quantity="loss", ax=ax
    )
    assert len(display.lines_) == 1


def test_from_estimator_draws_scores_of_each_epoch_and_fold(digits, ax):
    clf = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=2, random_state=0)
    display = EpochCurveDisplay.from_estimator(clf, *digits, cv=3, ax=ax, name="Mine")
    assert display.ax_ is ax
    assert legend(ax)[0] == "Mine: training, mean of 3 folds"
    curves = display.curves
    assert curves["fold"].tolist() == [1, 1, 2, 2, 3, 3]
    assert curves["epoch"].tolist() == [1, 2] * 3
    # In inference mode, after the last epoch: what scoring the fitted network gives.
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    train, test = next(cv.split(*digits))
    X, y = digits
    clf.fit(X[train], y[train])
    last = curves.iloc[1]
    assert last["train_accuracy"] == pytest.approx(clf.score(X[train], y[train]))
    assert last["validation_accuracy"] == pytest.approx(clf.score(X[test], y[test]))
    loss = clf.evaluate(X[test], y[test])["loss"]
    assert last["validation_loss"] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("how", ["dict", "classifier", "pipeline", "search", "keras"])
def test_from_history_takes_what_has_a_history(how, digits, ax):
    X, y = digits
    clf = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=2, random_state=0)
    if how == "keras":
        source = keras.callbacks.History()
        source.history = expected = {"accuracy": [0.5, 0.7], "loss": [0.9, 0.6]}
    else:
        source = {
            "pipeline": lambda: make_pipeline(StandardScaler(), clf),
            "search": lambda: GridSearchCV(clf, {"epochs": [2]}, cv=2),
        }.get(how, lambda: clf)()
        source.fit(X, y)
        final = source[-1] if how == "pipeline" else source
        expected = getattr(final, "best_estimator_", final).history_
        source = expected if how == "dict" else source
    display = EpochCurveDisplay.from_history(source, ax=ax, name="Mine")
    assert display.ax_ is ax
    (line,) = display.lines_
    np.testing.assert_allclose(line.get_ydata(), expected["accuracy"])
    assert legend(ax)[0].startswith("Mine: training, running average")
    again = display.plot(Figure().subplots(), quantity="loss")
    np.testing.assert_allclose(again.lines_[0].get_ydata(), expected["loss"])


def test_from_history_draws_the_loss_if_there_is_nothing_else(ax):
    display = EpochCurveDisplay.from_history({"loss": [0.9, 0.5]}, ax=ax)
    assert display.lines_[0].get_ydata().tolist() == [0.9, 0.5]
    with pytest.raises(ValueError, match="have no accuracy"):
        EpochCurveDisplay.from_history({"loss": [0.9]}, quantity="accuracy", ax=ax)


def test_from_history_takes_the_frame_of_a_csv_logger(tmp_path, ax):
    table = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1,,\n1,0.6,0.5,0.55,0.9\n"
    path = tmp_path / "log.csv"
    path.write_text(table, encoding="utf-8")
    display = EpochCurveDisplay.from_history(pd.read_csv(path), ax=ax)
    training, validation = (line.get_ydata() for line in display.lines_)
    np.testing.assert_array_equal(training, [0.5, 0.6])
    np.testing.assert_array_equal(validation, [np.nan, 0.55])


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"loss": [1, 0.5], "val_loss": [0.7]}, "validation_freq"),
        ({"loss": 1.0}, "one number per epoch for 'loss', got 1.0"),
        ({"loss": []}, r"one number per epoch for 'loss', got \[\]"),
        ({"loss": np.ones((2, 2))}, "one number per epoch for 'loss'"),
        ({"loss": ["low", "lower"]}, "one number per epoch for 'loss'"),
    ],
    ids=["validation_freq", "number", "no epoch", "matrix", "text"],
)
def test_from_history_refuses_values_that_are_no_curve(history, message, ax):
    with pytest.raises(ValueError, match=message):
        EpochCurveDisplay.from_history(history, ax=ax)


def test_from_history_refuses_what_has_none(digits, ax):
    with pytest.raises(NotFittedError):
        EpochCurveDisplay.from_history(KerasMLPClassifier(), ax=ax)
    for source in (GaussianNB().fit(*digits), keras.Sequential(), [0.9, 0.5]):
        with pytest.raises(ValueError, match="has no history: pass a fitted"):
            EpochCurveDisplay.from_history(source, ax=ax)
    assert not ax.get_lines()


def test_displays_on_the_same_axes_differ_in_colour_and_name(curves, ax):
    first = EpochCurveDisplay(curves, name="50 units").plot(ax)
    second = EpochCurveDisplay(curves, name="unused").plot(ax, name="200 units")
    colors = [line.get_color() for line in [*first.lines_, *second.lines_]]
    assert len(set(colors)) == 4
    bands = [band.get_facecolor()[0, :3] for band in second.bands_]
    for band, color in zip(bands, colors[2:], strict=True):
        np.testing.assert_allclose(band, to_rgb(color))
    assert legend(ax)[:4] == [
        "50 units: training, mean of 2 folds",
        "50 units: validation, mean of 2 folds",
        "200 units: training, mean of 2 folds",
        "200 units: validation, mean of 2 folds",
    ]


def test_from_estimator_refuses_estimator_without_epochs(digits):
    with pytest.raises(ValueError, match="cannot be scored after every epoch"):
        EpochCurveDisplay.from_estimator(GaussianNB(), *digits, cv=2)


def test_from_estimator_refuses_quantity_before_training(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes="never trained")
    with pytest.raises(ValueError, match="quantity must be one of .* got 'f1'"):
        EpochCurveDisplay.from_estimator(clf, *digits, quantity="f1")


def test_invalid_input_raises_value_error(curves, ax):
    with pytest.raises(ValueError, match="quantity must be one of .* got 'f1'"):
        EpochCurveDisplay(curves).plot(ax, quantity="f1")
    with pytest.raises(ValueError, match="band must be .* got 'minmax'"):
        EpochCurveDisplay(curves).plot(ax, band="minmax")
    with pytest.raises(ValueError, match=r"have no accuracy.*'fold', 'epoch'"):
        EpochCurveDisplay(curves[["fold", "epoch"]]).plot(ax)
    with pytest.raises(ValueError, match=r"keys \['lr'\]"):
        EpochCurveDisplay.from_history({"lr": [0.1]})


def test_plot_without_ax_creates_a_figure(curves, diagnosis):
    plt = pytest.importorskip("matplotlib.pyplot")
    for display in (EpochCurveDisplay(curves), FitDiagnosisDisplay(diagnosis)):
        assert display.plot() is display
        assert display.ax_.figure is display.figure_
        assert plt.fignum_exists(display.figure_.number)
        plt.close(display.figure_)


def test_error_budget_shows_errors_intervals_and_tolerance(diagnosis, ax):
    display = FitDiagnosisDisplay(diagnosis).plot(ax)
    assert display.ax_ is ax
    errors = [float(line.get_xdata()[0]) for line in display.lines_]
    assert errors == [0.02, 0.01, 0.06]
    texts = " ".join(text.get_text() for text in ax.texts)
    assert "6.00 %" in texts
    assert "Gap +5.00 points, +3.00 to +7.00" in texts
    assert "Bias \N{MINUS SIGN}1.00 points, \N{MINUS SIGN}2.00 to +0.00" in texts
    assert legend(ax) == ["Tolerated: 2 points more"]
    low, high = ax.get_xlim()
    assert low < 0.005
    assert high > 0.08


def test_reference_name_is_not_parsed_as_mathtext(diagnosis):
    diagnosis.reference = r"$\frac{1$"
    figure = Figure()
    FitDiagnosisDisplay(diagnosis).plot(figure.subplots())
    figure.draw_without_rendering()


def test_plot_does_not_change_rcparams(curves, diagnosis, ax):
    before = dict(mpl.rcParams)
    EpochCurveDisplay(curves).plot(ax)
    FitDiagnosisDisplay(diagnosis).plot(ax)
    assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_importing_displays_does_not_import_matplotlib():
    code = (
        "import sys, skmnist.displays; "
        "print(sorted({'matplotlib', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

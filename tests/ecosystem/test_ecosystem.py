"""The code of docs/ecosystem.rst runs, and does what the page says."""

import re
import textwrap
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline

from skmnist import (
    ImageFlattener,
    KerasMLPClassifier,
    LeNetClassifier,
    OneHotLabelEncoder,
    PixelScaler,
    load,
    load_digits28,
)

# Errors elsewhere: the warnings of other packages are not ours to mend.
pytestmark = pytest.mark.filterwarnings("default")
PAGE = (Path(__file__).parents[2] / "docs" / "ecosystem.rst").read_text()
SLOW_BATCHES = "overrides per-batch hooks"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the code of a section in an empty folder."""

    def run_section(title):
        monkeypatch.chdir(tmp_path)
        (text,) = re.findall(
            rf"^{title}\n-+\n(.*?)(?=^[\w-]+\n-+\n|\Z)", PAGE, re.M | re.S
        )
        (block,) = re.findall(
            r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", text, re.M
        )
        names = {"__name__": "page"}
        exec(compile(textwrap.dedent(block), title, "exec"), names)
        return names

    return run_section


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits28(return_X_y=True)
    return X[::4], y[::4]


def test_imbalanced_learn_resamples_training_samples_only(run):
    names = run("imbalanced-learn")
    diagnosis, y = names["diagnosis"], names["y"][names["rows"]]
    assert diagnosis.folds["n_validation"].sum() == len(y)
    # Not of the resampled rows, which the classifier alone has seen.
    assert (diagnosis.folds["n_train"] < len(y)).all()
    assert diagnosis.epochs is not None
    predicted = diagnosis.out_of_fold
    recall = recall_score(predicted["y_true"], predicted["y_pred"], average=None)
    np.testing.assert_allclose(diagnosis.per_class["error"], 1 - recall)


def test_skore_shows_findings_of_a_diagnosis(run):
    names = run("skore")
    checks = names["checks"].set_index("code")
    assert checks.loc["FIT", "section"] == "issue"
    assert "The error on the training samples" in checks.loc["FIT", "explanation"]
    accuracy = names["report"].metrics.accuracy()
    assert 0.5 < np.ravel(accuracy)[0] < 1


def test_skore_reports_on_one_split(digits):
    from skore import EstimatorReport

    X, y = digits
    clf = make_pipeline(PixelScaler(), KerasMLPClassifier(random_state=0))
    parts = {"X_train": X[:300], "y_train": y[:300]}
    report = EstimatorReport(clf, **parts, X_test=X[300:], y_test=y[300:])
    score = clf.fit(X[:300], y[:300]).score(X[300:], y[300:])
    assert report.metrics.accuracy() == pytest.approx(score)


def test_skore_fails_on_constant_features_without_ignore(run):
    # When this passes, the page and its `ignore` are out of date.
    report = run("skore")["report"]
    with pytest.raises(ValueError, match="at least 2-d"):
        report.checks.summarize(fast_mode=True)


def test_mlflow_logs_every_epoch(run):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", SLOW_BATCHES)
        names = run("MLflow")
    client = names["mlflow"].MlflowClient()
    steps = client.get_metric_history(names["run"].info.run_id, "val_loss")
    assert [each.value for each in steps] == names["clf"].history_["val_loss"]
    assert client.get_run(names["run"].info.run_id).data.params["epochs"] == "5"


def test_mlflow_callback_and_autolog(digits, tmp_path, monkeypatch):
    import mlflow
    from mlflow.keras import MlflowCallback

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    X, y = digits
    with mlflow.start_run() as run:
        clf = KerasMLPClassifier(epochs=2, callbacks=MlflowCallback(run))
        with pytest.warns(UserWarning, match=SLOW_BATCHES):
            clf.fit(PixelScaler().fit_transform(X), y)
    assert set(mlflow.get_run(run.info.run_id).data.metrics) == {"accuracy", "loss"}

    mlflow.sklearn.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            make_pipeline(PixelScaler(), KerasMLPClassifier(epochs=2)).fit(X, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = mlflow.get_run(run.info.run_id).data
    assert data.params["kerasmlpclassifier__epochs"] == "2"
    assert "training_accuracy_score" in data.metrics


def test_tensorboard_gets_every_epoch(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorflow import make_ndarray

    with pytest.warns(UserWarning, match=SLOW_BATCHES):
        clf = run("TensorBoard")["clf"]
    events = EventAccumulator("logs/validation").Reload()
    logged = events.Tensors("epoch_loss")
    values = [make_ndarray(event.tensor_proto) for event in logged]
    np.testing.assert_allclose(values, clf.history_["val_loss"], rtol=1e-6)


def test_cleanlab_finds_wrong_labels(run):
    names = run("cleanlab")
    found = set(names["suspects"]) & set(names["wrong"])
    assert len(found) >= 27  # three quarters


def test_skops_card_describes_a_pipeline(run):
    names = run("skops")
    text = Path("README.md").read_text()
    accuracy = names["pipe"].score(names["X"][1200:], names["y"][1200:])
    assert "kerasmlpclassifier__hidden_layer_sizes" in text
    assert f"{accuracy:.6f}"[:6] in text
    assert "reads no letters" in text
    np.testing.assert_array_equal(
        load("digits.skmnist").predict(names["X"]), names["pipe"].predict(names["X"])
    )


def test_onnx_gives_the_same_probabilities(run):
    names = run("ONNX")
    clf, X = names["clf"], names["X"]
    expected = clf.predict_proba(X)
    np.testing.assert_allclose(names["probabilities"], expected, atol=1e-5)
    np.testing.assert_array_equal(names["labels"], clf.predict(X))


def test_onnx_of_a_convolutional_network(digits, tmp_path):
    from onnxruntime import InferenceSession

    X, y = PixelScaler().fit_transform(digits[0]), digits[1]
    clf = LeNetClassifier(filters=(4, 8), epochs=1, random_state=0).fit(X, y)
    clf.model_.export(tmp_path / "lenet.onnx", format="onnx", verbose=False)
    session = InferenceSession(tmp_path / "lenet.onnx")
    inputs = {session.get_inputs()[0].name: X.reshape(-1, *clf.image_shape_)}
    np.testing.assert_allclose(
        session.run(None, inputs)[0], clf.predict_proba(X), atol=1e-5
    )


def test_polars_keeps_columns_and_labels(run):
    names = run("polars")
    pipe, X = names["pipe"], names["X"]
    assert list(pipe[-1].feature_names_in_) == X.columns
    assert set(pipe[-1].classes_) == set(names["y"])
    assert pipe.score(X, names["y"]) > 0.9
    renamed = X.rename({X.columns[0]: "other"})
    with pytest.raises(ValueError, match="feature names should match"):
        pipe.predict(renamed)


def test_polars_frames_from_transformers(digits):
    names = load_digits28().feature_names
    X = pl.DataFrame(digits[0], schema=names)
    for transformer in (PixelScaler(), ImageFlattener()):
        out = transformer.set_output(transform="polars").fit_transform(X)
        assert isinstance(out, pl.DataFrame)
        assert out.columns == names
    encoder = OneHotLabelEncoder().set_output(transform="polars")
    out = encoder.fit_transform(pl.Series(["b", "a", "b"]))
    assert out.columns == ["a", "b"]
    assert out["b"].to_list() == [1, 0, 1]

import pickle
import zipfile

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist import (
    ImageFlattener,
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
    build_mlp,
    load,
    save,
)


@pytest.mark.parametrize(
    "final",
    [
        KerasMLPClassifier(epochs=1, random_state=0),
        LeNetClassifier(
            filters=(4, 8), hidden_layer_sizes=(8,), epochs=1, random_state=0
        ),
        KerasImageClassifier(build_mlp, {"l2": 1e-4}, epochs=1, random_state=0),
        LogisticRegression(max_iter=500),
    ],
    ids=lambda clf: type(clf).__name__,
)
def test_a_pipeline_comes_back_as_it_was(final, digits, tmp_path):
    X, y = digits
    y = np.array([f"digit {label}" for label in y])
    pipe = make_pipeline(ImageFlattener(), PixelScaler(max_value=16), final)
    pipe.fit((X * 16).astype(np.uint8), y)
    save(pipe, tmp_path / "model.skmnist")
    loaded = load(tmp_path / "model.skmnist")
    X = (X * 16).astype(np.uint8)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipe.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), pipe.predict(X))
    assert repr(loaded) == repr(pipe)
    assert list(tmp_path.iterdir()) == [tmp_path / "model.skmnist"]


def test_training_goes_on_from_a_loaded_classifier(digits, tmp_path, same_weights):
    clf = KerasMLPClassifier(epochs=2, random_state=0).fit(*digits)
    save(clf, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.history_ == clf.history_
    assert same_weights(loaded.partial_fit(*digits), clf.partial_fit(*digits))


@pytest.mark.parametrize(
    "estimator",
    [
        KerasImageClassifier(lambda meta: None),
        KerasMLPClassifier(callbacks=[keras.callbacks.TerminateOnNaN()]),
        make_pipeline(FunctionTransformer(pickle.loads), KerasMLPClassifier()),
    ],
)
def test_code_of_ones_own_is_not_saved_in_silence(estimator, tmp_path):
    with pytest.raises((TypeError, ValueError)):
        save(estimator, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_files_that_save_did_not_write_are_refused(digits, tmp_path):
    import skops.io

    path = tmp_path / "model"
    save(KerasMLPClassifier(epochs=1).fit(*digits), path)
    good = path.read_bytes()
    pickled = pickle.dumps(KerasMLPClassifier())
    for content in (b"", b"abc", good[:-30], good[: len(good) // 2], pickled):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="Cannot load .*model"):
            load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../outside.txt", "x")
    with pytest.raises(ValueError, match="Cannot load"):
        load(path)
    skops.io.dump({"format": 2, "versions": {"skmnist": "9.9"}, "estimator": 1}, path)
    with pytest.raises(ValueError, match="upgrade skmnist"):
        load(path)
    skops.io.dump(LogisticRegression(), path)
    with pytest.raises(ValueError, match="not written by skmnist.save"):
        load(path)
    skops.io.dump({"format": 1, "estimator": FunctionTransformer(pickle.loads)}, path)
    with pytest.raises(ValueError, match="not trusted"):
        load(path)
    with pytest.raises(OSError):
        load(tmp_path / "missing")

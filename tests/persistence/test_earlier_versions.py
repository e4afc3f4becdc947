"""Files and pickles written by earlier versions still load.

tests/persistence/written_by_0_1_0/make.py wrote them before modules were moved.
"""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn import __version__ as sklearn_version
from sklearn.datasets import load_digits

from skmnist import KerasMLPClassifier, load, save

FOLDER = Path(__file__).parent / "written_by_0_1_0"
NAMES = ["mlp", "lenet", "image", "own"]
pytestmark = pytest.mark.skipif(
    tuple(map(int, sklearn_version.split(".")[:2])) < (1, 9),
    reason="written with scikit-learn 1.9, whose pickles earlier versions do not read",
)


def read(name, kind):
    path = FOLDER / f"{name}.{kind}"
    return load(path) if kind == "skmnist" else pickle.loads(path.read_bytes())


def samples(name):
    X = load_digits().data[:150].astype(np.uint8)
    return X if name == "lenet" else X.reshape(-1, 8, 8)


@pytest.mark.parametrize("kind", ["skmnist", "pickle"])
@pytest.mark.parametrize("name", NAMES)
def test_loaded_classifier_has_saved_weights_and_predictions(name, kind):
    pipeline = read(name, kind)
    with np.load(FOLDER / "expected.npz") as expected:
        weights = pipeline[-1]._training.weights
        for number, weight in enumerate(weights):
            np.testing.assert_array_equal(weight, expected[f"{name}-weight-{number}"])
        # The last bits of a sum depend on the processor.
        np.testing.assert_allclose(
            pipeline.predict_proba(samples(name)), expected[f"{name}-proba"], atol=1e-6
        )


class Narrow(KerasMLPClassifier):
    def __init__(self, width=4, epochs=1, random_state=0):
        super().__init__((width,), epochs=epochs, random_state=random_state)
        self.width = width


def test_pickled_subclass_gets_parameters_that_its_base_has_since():
    X, y = load_digits(return_X_y=True)
    clf = Narrow().fit(X / 16, y)
    state = clf.__getstate__()
    for name in ("label_smoothing", "random_zoom", "batch_normalization"):
        del state[name]
    loaded = Narrow.__new__(Narrow)
    loaded.__setstate__(state)
    np.testing.assert_array_equal(loaded.predict(X / 16), clf.predict(X / 16))
    loaded.fit(X / 16, y)


@pytest.mark.parametrize("kind", ["skmnist", "pickle"])
@pytest.mark.parametrize("name", NAMES)
def test_loaded_classifier_can_be_saved_again(name, kind, tmp_path):
    pipeline, X = read(name, kind), samples(name)
    expected = pipeline.predict_proba(X)
    save(pipeline, tmp_path / "model.skmnist")
    for again in (
        load(tmp_path / "model.skmnist"),
        pickle.loads(pickle.dumps(pipeline)),
    ):
        np.testing.assert_array_equal(again.predict_proba(X), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "lenet", "image"])
def test_loaded_classifier_continues_training(name):
    pipeline, X = read(name, "pickle"), samples(name)
    y = load_digits().target[:150]
    pipeline.set_params(**{f"{pipeline.steps[-1][0]}__warm_start": True})
    n_epochs = pipeline[-1].n_iter_
    assert pipeline.fit(X, y)[-1].n_iter_ == n_epochs + 2


def test_transformers_load():
    X = load_digits().data[:150].astype(np.uint8)
    encoder, flattener, reshaper, scaler = read("transformers", "pickle")
    assert encoder.classes_.tolist() == ["a", "b"]
    assert flattener.transform(X.reshape(-1, 8, 8)).shape == X.shape
    assert reshaper.transform(X).shape == (150, 8, 8)
    assert scaler.transform(X).max() == 1


def test_loaded_diagnosis_has_saved_results():
    diagnosis = read("diagnosis", "pickle")
    expected = json.loads((FOLDER / "diagnosis.json").read_text())
    record = json.loads(json.dumps(diagnosis.to_dict()))
    # Later versions add what this diagnosis has no evidence for.
    added = record.keys() - expected.keys() - {"version"}
    assert added == {
        "ignore",
        "leaning",
        "per_class",
        "per_class_sentence",
        "suspect_labels",
        "extrapolation",
        "test_excess",
        "test_separation",
    }
    assert not any(record[name] for name in added)
    assert {name: record[name] for name in expected} == expected
    assert pickle.loads(pickle.dumps(diagnosis)).verdict == diagnosis.verdict
    assert str(diagnosis).startswith(expected["sentence"])


@pytest.mark.parametrize("name", NAMES)
def test_pickles_refer_to_public_modules_only(name):
    import pickletools

    from skmnist import KerasMLPClassifier  # noqa: F401

    data = pickle.dumps(read(name, "pickle"))
    texts = [arg for _, arg, _ in pickletools.genops(data) if isinstance(arg, str)]
    own = {text for text in texts if text.startswith("skmnist")}
    assert own
    assert not [text for text in own if "._" in text]

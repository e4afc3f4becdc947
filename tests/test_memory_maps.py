"""Samples in a memory-mapped file: equal results, and no copy of all of them."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skmnist import ImageFlattener, KerasMLPClassifier
from skmnist._cross_validation._stages import run_folds
from skmnist._engine._trainers import BlockTrainer


@pytest.fixture(scope="module")
def large_map(tmp_path_factory):
    """A read-only memory map of 63 MB, uint8 (80000, 784), and labels of 3 classes."""
    path = tmp_path_factory.mktemp("large") / "X.npy"
    y = np.arange(80_000) % 3
    X = np.random.default_rng(0).integers(256, size=(len(y), 784), dtype=np.uint8)
    X[:, 0] = 100 * y
    np.save(path, X)
    return np.load(path, mmap_mode="r"), y


@pytest.fixture
def peak_of():
    """A function that calls another one and returns the bytes allocated at its peak.

    Python's and NumPy's allocations are counted, those inside TensorFlow are not.
    """

    def peak(function):
        tracemalloc.start()
        try:
            function()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return peak


@pytest.mark.slow
@pytest.mark.not_pytorch
def test_memory_map_is_read_block_by_block_with_the_same_result(
    large_map, peak_of, same_weights
):
    mapped, y = large_map
    clf = KerasMLPClassifier(
        (4,), rescaling=1 / 255, epochs=1, batch_size=512, random_state=0
    )
    clf.fit(mapped[:5000], y[:5000])  # compiles
    images, flattened = mapped.reshape(-1, 28, 28), make_pipeline(ImageFlattener(), clf)
    peaks = {
        "fit": peak_of(lambda: clf.fit(mapped, y)),
        "predict": peak_of(lambda: clf.predict(mapped)),
        "evaluate": peak_of(lambda: clf.evaluate(mapped, y)),
        "fit of a Pipeline": peak_of(lambda: flattened.fit(images, y)),
    }
    assert max(peaks.values()) < 0.7 * mapped.nbytes, peaks
    X = np.array(mapped)
    in_memory = clone(clf).fit(X, y)
    assert same_weights(clf, in_memory)
    assert clf.evaluate(mapped, y) == in_memory.evaluate(X, y)
    np.testing.assert_array_equal(clf.predict_proba(mapped), in_memory.predict_proba(X))


@pytest.mark.slow
@pytest.mark.not_pytorch
def test_folds_of_memory_map_are_not_copied(large_map, peak_of):
    mapped, y = large_map
    clf = KerasMLPClassifier(
        (4,), rescaling=1 / 255, epochs=1, batch_size=512, random_state=0
    )
    clf.fit(mapped[:5000], y[:5000])  # compiles
    peak = peak_of(lambda: run_folds(clf, mapped, y, cv=2))
    assert peak < 0.8 * mapped.nbytes  # copies of both sides are as large as X


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int16])
@pytest.mark.parametrize("shape", [(-1, 64), (-1, 8, 8)])
@pytest.mark.parametrize("epochs", [True, False])
def test_memory_map_gives_same_folds_as_array(digits, tmp_path, dtype, shape, epochs):
    X, y = digits
    X = (16 * X).astype(dtype).reshape(shape)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    clf = KerasMLPClassifier(
        (10,), rescaling=1 / 16, validation_fraction=0.2, epochs=2, random_state=0
    )
    expected = run_folds(clf, X, y, cv=2, epochs=epochs)
    folds = run_folds(clf, mapped, y, cv=2, epochs=epochs)
    for fold, other in zip(folds, expected, strict=True):
        np.testing.assert_array_equal(fold.train, other.train)
        np.testing.assert_array_equal(fold.train_loss, other.train_loss)
        np.testing.assert_array_equal(fold.test_loss, other.test_loss)
        np.testing.assert_array_equal(fold.test_codes, other.test_codes)
        if epochs:
            np.testing.assert_array_equal(
                fold.curves.sample_loss, other.curves.sample_loss
            )


def flags_of(path):
    """Return the flags of the memory map of a file, as Linux abbreviates them."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    for line in lines:
        if line.endswith(str(path)):
            return next(line for line in lines if line.startswith("VmFlags:")).split()
    raise AssertionError(f"{path} is not mapped")


@pytest.mark.tensorflow
@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="of Linux")
@pytest.mark.parametrize("available", [0, 2**50])
def test_pages_around_a_row_are_not_read_if_the_file_exceeds_the_memory(
    available, digits, tmp_path, monkeypatch
):
    X, y = digits
    path = tmp_path / "X.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    monkeypatch.setattr("skmnist._rows._available_memory", lambda: available)
    flags, train_block = [], BlockTrainer.train_block

    def look(self, *args):
        flags.append(flags_of(path))
        return train_block(self, *args)

    monkeypatch.setattr(BlockTrainer, "train_block", look)
    clf = KerasMLPClassifier((10,), epochs=1, random_state=0)
    # The fits of both folds run at the same time, on rows of one map.
    run_folds(clf.fit(mapped, y), mapped, y, cv=2, n_jobs=2)
    assert len(flags) >= 3
    assert {"rr" in each for each in flags} == {available == 0}
    assert "rr" not in flags_of(path)


def test_memory_map_is_checked_as_an_array_is(digits, tmp_path):
    X, y = digits
    X = X.copy()
    X[-1, 0] = np.nan
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    clf = KerasMLPClassifier((10,), epochs=1, random_state=0)
    messages = []
    for data in (X, mapped):
        with pytest.raises(ValueError, match="Input X contains NaN") as caught:
            run_folds(clf, data, y, cv=2)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_classifier_derived_from_ours_gets_arrays(digits, tmp_path):
    class Halved(KerasMLPClassifier):
        def fit(self, X, y):
            assert isinstance(X, np.ndarray)
            return super().fit(X / 2, y)

    X, y = digits
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    clf = Halved((10,), epochs=1, random_state=0)
    folds, expected = (run_folds(clf, data, y, cv=2) for data in (mapped, X))
    np.testing.assert_array_equal(folds[0].test_loss, expected[0].test_loss)

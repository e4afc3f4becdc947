"""Tests of FIT14, the finding on the learning rate."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist._cross_validation._epochs import Curves
from skmnist.diagnosis._findings import find
from skmnist.diagnosis._learning_rate import suggested_rate

N_EPOCHS = 8
CHANCE = np.log(10)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))[:600]
    return (X[rows] / 16).astype(np.float32), y[rows]


def network(rate=None, epochs=N_EPOCHS):
    return KerasMLPClassifier(
        hidden_layer_sizes=(30,), learning_rate=rate, epochs=epochs, random_state=0
    )


def diagnose(digits, estimator, **options):
    options = {"cv": 2, "reference": 0.03, "random_state": 0} | options
    return diagnose_fit(estimator, *digits, **options)


@pytest.fixture(scope="module")
def usual(digits):
    return diagnose(digits, network(0.005))


def rate_of(diagnosis):
    found = [f for f in diagnosis.findings if f.code == "FIT14"]
    return found[0] if found else None


def with_losses(diagnosis, train_loss, validation_loss=None):
    """Return the evidence of a diagnosis with other curves."""
    train_loss = np.asarray(train_loss, float)
    if validation_loss is None:
        validation_loss = train_loss
    folds = []
    for fold in diagnosis.evidence.folds:
        noise = np.random.default_rng(fold.number).normal(0, 0.01, len(fold.test))
        sample_loss = np.asarray(validation_loss)[:, None] + noise
        zero = np.zeros_like(train_loss)
        curves = Curves(train_loss, sample_loss.mean(axis=1), zero, zero, sample_loss)
        folds.append(replace(fold, curves=curves))
    return replace(diagnosis.evidence, folds=folds)


def codes(evidence):
    return [finding.code for finding in find(evidence)]


@pytest.mark.slow
def test_usual_rate_has_no_finding(usual):
    assert rate_of(usual) is None


@pytest.mark.slow
def test_rate_that_is_too_high_is_found_and_a_lower_one_named(digits):
    finding = rate_of(diagnose(digits, network(1.0)))
    assert finding.title == "Learning rate too high"
    assert finding.evidence["too_high"]
    assert 1e-4 < finding.evidence["suggested_rate"] < 0.1
    rate = f"learning_rate={finding.evidence['suggested_rate']:g}"
    assert f"Lower the learning rate, to {rate}" in finding.advice


@pytest.mark.slow
def test_rate_that_is_too_low_is_found_and_a_higher_one_named(digits):
    diagnosis = diagnose(digits, network(3e-5))
    finding = rate_of(diagnosis)
    assert finding.title == "Learning rate too low"
    assert not finding.evidence["too_high"]
    assert 1e-4 < finding.evidence["suggested_rate"] < 0.1
    # It agrees with what FIT04 advises.
    assert "or train several times as long" in finding.advice


@pytest.mark.slow
def test_suggested_rate_trains_better(digits):
    slow = diagnose(digits, network(3e-5))
    rate = rate_of(slow).evidence["suggested_rate"]
    better = diagnose(digits, network(rate))
    assert rate_of(better) is None
    assert better.errors["train"].high < slow.errors["train"].low


@pytest.mark.slow
def test_rates_of_training_are_seeded_and_touch_no_global_state(digits):
    before = np.random.get_state()[1].tolist()
    rates = {
        suggested_rate(
            network(1.0).set_params(random_state=None), *digits, "unsteady", 3
        )
        for _ in range(2)
    }
    assert len(rates) == 1
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.slow
def test_no_rate_on_the_wrong_side_is_named(digits):
    # The range test would name a higher one.
    assert suggested_rate(network(1e-6), *digits, "unsteady", 0) is None


@pytest.mark.parametrize(
    ("losses", "fault"),
    [
        ([1.0, 0.9, 0.8, 0.9, 0.7, 0.9, 0.75, 0.85], "unsteady"),
        ([3.1, 2.9, 3.3, 2.8, 3.2, 3.0, 3.4, 2.9], "chance"),
        (CHANCE - 0.02 * np.arange(8), "slow"),
        # Well set: a decay, with a small rise, and a converged loss that is noisy.
        ([1.0, 0.6, 0.4, 0.3, 0.25, 0.22, 0.225, 0.2], None),
        ([0.5, 0.1, 0.02, 0.01, 0.012, 0.009, 0.013, 0.008], None),
        # Undertrained, but at a pace that a few more epochs complete.
        (CHANCE - 0.2 * np.arange(8), None),
        # Too few epochs to tell.
        ([1.0, 0.8, 1.0], None),
    ],
)
@pytest.mark.slow
def test_curves_that_are_found(usual, losses, fault):
    evidence = replace(
        with_losses(usual, losses), reference=0.0, reference_name="known"
    )
    assert evidence.rate_fault == fault
    finding = [f for f in find(evidence) if f.code == "FIT14"]
    assert bool(finding) == (fault is not None)


@pytest.mark.slow
def test_slow_loss_needs_something_left_to_learn(usual):
    slow = CHANCE - 0.02 * np.arange(8)
    evidence = with_losses(usual, slow)
    assert "FIT14" in codes(replace(evidence, reference=0.0))
    # No lower error is known to be possible.
    assert "FIT14" not in codes(replace(evidence, reference=0.5))
    # Memorising: the validation loss rises.
    rising = with_losses(usual, slow, CHANCE + 0.02 * np.arange(8))
    assert "FIT14" not in codes(replace(rising, reference=0.0))


@pytest.mark.slow
def test_advice_without_a_rate_names_the_range_test(usual):
    evidence = with_losses(usual, [1.0, 0.9, 0.8, 0.9, 0.7, 0.9, 0.75, 0.85])
    (finding,) = [f for f in find(evidence) if f.code == "FIT14"]
    assert "LearningRateDisplay names a range" in finding.advice
    assert "suggested_rate" not in finding.evidence

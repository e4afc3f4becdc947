"""The work that is left of a diagnosis, from the times of its first fits."""

import pytest

from skmnist.diagnosis._duration import Duration


def test_known_error_needs_the_first_fit_only():
    duration = Duration({"folds": 5, "reference at most": 0}, 5.0)
    assert duration.remaining() is None
    duration.add_fit("folds", 1, 3.0)
    assert duration.remaining() == pytest.approx(12)
    assert not duration.from_epochs
    # The mean of later ones, because the first one may have compiled a network.
    duration.add_fit("folds", 2, 2.0)
    assert duration.remaining() == pytest.approx(6)


def test_first_epoch_is_not_counted_as_it_compiles():
    duration = Duration({"folds": 5, "reference at most": 0}, 7.5)
    duration.add_epoch("folds", 1, 1, 10, 60.0)
    assert duration.remaining() is None
    duration.add_epoch("folds", 1, 2, 10, 62.0)
    assert duration.from_epochs
    assert duration.remaining() == pytest.approx(20 * (7.5 - 0.2))
    duration.add_epoch("folds", 1, 3, 10, 99.0)
    assert duration.remaining() == pytest.approx(20 * (7.5 - 0.3))


def test_parts_of_the_samples_count_by_their_share():
    n_fits = {"folds": 2, "capacity": 4, "learning curve": 8}
    duration = Duration(n_fits, 2 + 4 + 3.2)
    duration.add_fit("folds", 1, 10.0)
    assert duration.remaining() == pytest.approx(82)
    duration.add_fit("capacity", 3, 7.0)
    assert duration.remaining() == pytest.approx(72)
    duration.add_fit("learning curve", 8, 1.0)
    assert duration.remaining() == pytest.approx(68)


def test_classifier_as_reference_is_known_after_its_first_fit():
    duration = Duration({"folds": 5, "reference at most": 5}, 5.0)
    duration.add_fit("folds", 1, 1.0)
    assert duration.remaining() is None
    duration.add_fit("reference", 1, 20.0)
    assert duration.remaining() == pytest.approx(4 + 80)
    duration.add_fit("reference", 2, 19.0)
    assert duration.remaining() == pytest.approx(4 + 60)


@pytest.mark.parametrize("dropped", [(), (3,), (1, 3), (2, 3)])
def test_candidates_of_reference_are_expected_within_a_factor_of_two(dropped):
    seconds = {1: 1.0, 2: 2.0, 3: 10.0}
    duration = Duration({"folds": 5, "reference at most": 15}, 5.0)
    duration.add_fit("folds", 1, 0.0)
    for number, each in seconds.items():
        assert duration.remaining() is None
        duration.add_fit("reference", 5 * (number - 1) + 1, each)
    expected = 13 + duration.remaining()
    left = sum(4 * each for number, each in seconds.items() if number not in dropped)
    assert (13 + left) / 2 < expected < (13 + left) * 2
    # Once it is known which are dropped, as after the first of their fits, all is.
    first = 5 * ((set(seconds) - set(dropped)).pop() - 1) + 2
    for number in dropped:
        for fit in range(2, 6):
            duration.add_epoch("reference", 5 * (number - 1) + fit, 1, 1, 0.0)
    duration.add_fit("reference", first, 1.0)
    done = seconds[(first - 1) // 5 + 1]
    assert duration.remaining() == pytest.approx(left - done)


def test_nothing_is_left_at_the_end():
    duration = Duration({"folds": 2, "reference at most": 2}, 2.0)
    for stage in ("folds", "reference"):
        for fit in (1, 2):
            duration.add_fit(stage, fit, 3.0)
    assert duration.remaining() == 0

"""Figures worked out by hand against the functions that report them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.evaluation.metrics import (
    confusion,
    expected_calibration_error,
    macro_f1,
    softmax,
    two_way,
    wilson_interval,
)

SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])


def test_a_tie_between_the_polar_scores_counts_half() -> None:
    scores = np.array([[0.2, 0.6, 0.2], [0.3, 0.4, 0.3], [0.2, 0.6, 0.2], [0.7, 0.2, 0.1]])
    ratings = np.array([2.0, 2.0, -2.0, -2.0])

    assert two_way(scores, ratings) == pytest.approx((3 * 0.5 + 1) / 4)
    # However many of the texts are positive.
    assert two_way(scores[:2], ratings[:2]) == 0.5
    assert two_way(scores[2:3], ratings[2:3]) == 0.5


def test_without_a_polar_rating_there_is_no_two_way() -> None:
    assert two_way(SCORES, np.zeros(4)) is None


def test_macro_f1_by_hand() -> None:
    table = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), 3)
    # F1: negative 2/3, neutral 2/3, positive 1.
    assert macro_f1(table) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_a_label_that_no_text_has_or_is_given_does_not_count() -> None:
    table = confusion(np.array([0, 0, 2]), np.array([0, 2, 2]), 4)
    assert macro_f1(table) == pytest.approx(2 / 3)
    # One that is given and that no text has is a mistake, and counts.
    assert macro_f1(confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 4)) == pytest.approx((2 / 3 + 0 + 1) / 3)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        pytest.param(30, 30, 0.886, 1.0, id="all of them"),
        pytest.param(0, 30, 0.0, 0.114, id="none of them"),
        pytest.param(29, 30, 0.833, 0.994, id="all but one"),
        pytest.param(15, 30, 0.332, 0.668, id="half of them"),
        pytest.param(1, 1, 0.207, 1.0, id="a single one"),
    ],
)
def test_the_interval_is_that_of_wilson(hits: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(hits, total) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(trial: tuple[int, int]) -> None:
    low, high = wilson_interval(*trial)
    assert 0 <= low <= trial[0] / trial[1] <= high <= 1
    assert high - low > 0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    scores = np.array([[0.9, 0.1, 0.0]] * 10)
    truth = np.array([0] * 7 + [1] * 3)
    assert expected_calibration_error(scores, truth) == pytest.approx(0.2)
    assert expected_calibration_error(scores, np.array([0] * 9 + [1])) == pytest.approx(0.0)


@given(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), st.floats(-1e3, 1e3))
def test_softmax_sums_to_one_and_ignores_a_shift(row: list[float], shift: float) -> None:
    scores = softmax(np.array([row]))
    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(scores, softmax(np.array([row]) + shift), atol=1e-6)

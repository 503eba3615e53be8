"""Figures of agreement with ratings, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.bundled.figures import report, report_by_domain

SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
RATINGS = [-2.0, 1.0, 0.2, -0.6]


def test_two_way_looks_at_polar_rows_and_two_scores_only() -> None:
    found = report(SCORES, RATINGS)
    # Rows 1, 2 and 4 are polar; row 2 is right although neutral scores highest, row 4 is wrong.
    assert (found.rows, found.polar_rows) == (4, 3)
    assert found.two_way == pytest.approx(2 / 3)
    assert found.three_way == pytest.approx(2 / 4)
    assert found.confusion == ((1, 0, 1), (0, 1, 0), (0, 1, 0))


def test_domains_are_measured_on_their_own_rows() -> None:
    found = report_by_domain(SCORES, RATINGS, ["b", "b", "a", "a"])
    assert list(found) == ["a", "b"]
    assert found["b"].three_way == pytest.approx(0.5)
    assert found["b"].two_way == pytest.approx(1.0)
    assert found["a"].two_way == pytest.approx(0.0)

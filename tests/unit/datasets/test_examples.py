"""Texts as columns to train on, and which targets a rating makes."""

from __future__ import annotations

import numpy as np
import pytest

from worker.datasets.examples import Examples, hard_labels, soft_targets


def test_soft_targets_are_distributions_that_follow_the_rating() -> None:
    targets = soft_targets([-3.0, -0.5, 0.0, 0.5, 0.8, 3.0])
    assert targets.shape == (6, 3)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, atol=1e-6)
    assert targets[0, 0] > 0.999
    assert targets[1, 0] == pytest.approx(0.5, abs=1e-3)
    assert targets[2].argmax() == 1
    assert targets[3, 2] == pytest.approx(0.5, abs=1e-3)
    # One standard error above the border: the mass of a normal distribution below +1 sigma.
    assert targets[4, 2] == pytest.approx(0.8413, abs=1e-3)


def test_labels_on_the_borders_are_neutral() -> None:
    assert hard_labels([-0.51, -0.5, 0.0, 0.5, 0.51]).tolist() == [0, 1, 1, 1, 2]


def test_columns_of_different_lengths_are_refused() -> None:
    one = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="different lengths"):
        Examples(("a", "b"), np.ones((2, 3), np.float32), one)


def test_examples_print_no_text() -> None:
    assert repr(Examples(("a kettle of plums",), np.ones((1, 2), np.float32), np.ones(1, np.float32))) == (
        "Examples(n=1, labels=2)"
    )

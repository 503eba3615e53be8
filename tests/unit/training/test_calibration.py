"""The temperature that makes scores as sure as they are right."""

from __future__ import annotations

import numpy as np
import pytest

from worker.datasets.examples import soft_targets
from worker.evaluation.metrics import softmax
from worker.training.calibration import best_temperature, calibration


def test_the_temperature_undoes_a_scaling() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 3)) * 2
    targets = softmax(logits)
    assert best_temperature(logits * 1.7, targets) == pytest.approx(1.7, rel=0.01)
    assert best_temperature(logits, soft_targets(rng.normal(size=500))) > 1.0


def test_a_temperature_that_gains_nothing_is_left_out() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (shares.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)  # as sure as it is right
    assert calibration(logits, truth) == 1.0
    assert calibration(logits * 2, truth) == pytest.approx(2.0, abs=0.15)

"""Temperature scaling: finding the temperature that calibrates scores, and making it part of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.evaluation.metrics import Scores, cross_entropy, softmax

#: Nats of dev loss that a temperature must gain: with a few thousand texts, less is indistinguishable from nothing.
LEAST_GAIN = 0.002


def calibration(logits: Scores, truth: NDArray[np.int64], shares: Scores | None = None) -> float:
    """Return the temperature that suits the labels ``truth`` (n,) best; 1 if that gains less than `LEAST_GAIN`.

    It is fitted to the labels, as calibration error is measured, and not to the distributions made from ratings, which
    are uncertain themselves. Only if scores are to be as uncertain as raters is it fitted to their vote ``shares``
    (n, k).
    """
    targets: Scores = np.eye(logits.shape[1])[truth] if shares is None else shares
    temperature = best_temperature(logits, targets)
    gain = cross_entropy(softmax(logits), targets) - cross_entropy(softmax(logits / temperature), targets)
    return temperature if gain >= LEAST_GAIN else 1.0


def best_temperature(logits: Scores, targets: Scores) -> float:
    """Return the temperature T > 0 for which softmax(logits / T) has the least cross-entropy with ``targets`` (n, k).

    Golden-section search on log T over 0.2 .. 5; the loss has one minimum in T (Guo et al. 2017).
    """

    def loss(log_temperature: float) -> float:
        return cross_entropy(softmax(np.asarray(logits, dtype=np.float64) / np.exp(log_temperature)), targets)

    low, high = float(np.log(0.2)), float(np.log(5.0))
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def head_of(model: Any, outputs: int) -> torch.nn.Linear | None:
    """Return the layer that computes the logits: the last linear one with this many outputs; None if there is none."""
    found = [
        module for module in model.modules() if isinstance(module, torch.nn.Linear) and module.out_features == outputs
    ]
    return found[-1] if found else None


def divide_logits(head: torch.nn.Linear, temperature: float) -> None:
    """Divide the outputs of ``head`` by ``temperature`` for good, so that every user of the weights gets the same."""
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.div_(temperature)

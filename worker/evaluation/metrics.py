"""Metrics of scores: accuracy, macro F1, confusion and calibration, overall and per domain. Pure numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worker.datasets.examples import NEUTRAL_BORDER

Scores = NDArray[np.floating]

#: Standard errors on either side of a normal mean that contain 95 % of the distribution.
Z_95 = 1.959964

#: Number of bins, of equal width over 0 .. 1, for measuring calibration.
BINS = 15


def softmax(logits: Scores) -> NDArray[np.float64]:
    """Return the row-wise softmax of (n, k), computed in float64 with the row's maximum subtracted."""
    wide = np.asarray(logits, dtype=np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Return counts (labels, labels): rows are the truth, columns the predictions."""
    table = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def accuracy(table: NDArray[np.int64]) -> float:
    """Return the share of a confusion's texts, of which there must be one, that are on its diagonal."""
    return float(np.trace(table) / table.sum())


def macro_f1(table: NDArray[np.int64]) -> float:
    """Return the mean of F1 = 2 tp / (2 tp + fp + fn) over the labels that occur as truth or prediction, at least one.

    A label that does not occur was not tested: counting it as 0 would blame the model for the data.
    """
    involved = table.sum(axis=0) + table.sum(axis=1)
    tested = involved > 0
    return float(np.mean(2.0 * np.diag(table)[tested] / involved[tested]))


def wilson_interval(hits: int, total: int) -> tuple[float, float]:
    """Return (low, high): the 95 % interval of a share of ``hits`` in ``total`` > 0 trials (Wilson 1927).

    It stays within 0 .. 1, and has a width when all or none are hits, where the normal approximation has none.
    """
    share, weight = hits / total, Z_95**2 / total
    centre = (share + weight / 2) / (1 + weight)
    half = Z_95 / (1 + weight) * math.sqrt((share * (1 - share) + weight / 4) / total)
    # At either end the bound is the share itself, except for rounding.
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == total else centre + half)


def reliability(scores: Scores, truth: NDArray[np.int64], bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return (mean confidence, accuracy, rows) of each non-empty bin of the top score; bins divide 0 .. 1 equally."""
    confidence = scores.max(axis=1)
    correct = scores.argmax(axis=1) == truth
    slot = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return [
        (float(confidence[slot == i].mean()), float(correct[slot == i].mean()), int((slot == i).sum()))
        for i in range(bins)
        if (slot == i).any()
    ]


def expected_calibration_error(scores: Scores, truth: NDArray[np.int64], bins: int = BINS) -> float:
    """Return the mean gap between confidence and accuracy over the bins, weighted by their rows (Guo et al. 2017)."""
    rows = len(truth)
    return sum(abs(sure - right) * count for sure, right, count in reliability(scores, truth, bins)) / rows


def two_way(scores: Scores, ratings: NDArray[np.floating], border: float = NEUTRAL_BORDER) -> float | None:
    """Return the two-way agreement of scores (n, 3) with ratings; None if no rating is more than ``border`` from zero.

    It is the share of the texts with such a rating whose larger score of negative and positive, columns 0 and 2, is on
    the rating's side. A tie counts half.
    """
    polar = np.abs(ratings) > border
    if not polar.any():
        return None
    lean = np.sign(scores[polar, 2] - scores[polar, 0]) * np.sign(ratings[polar])
    return float((0.5 + 0.5 * lean).mean())


def log_loss(scores: Scores, truth: NDArray[np.int64]) -> float:
    """Return the mean of -log of the score of the true label, in nats."""
    return float(-np.log(np.clip(scores[np.arange(len(truth)), truth], 1e-12, 1.0)).mean())


def rows_by_domain(domains: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return the indices of each domain's rows, domains in alphabetical order."""
    names = np.asarray(domains)
    return {name: np.flatnonzero(names == name) for name in sorted(set(domains))}


def cross_entropy(scores: Scores, targets: Scores) -> float:
    """Return the mean over the rows of -sum(target * log score), in nats; ``scores`` and ``targets`` are (n, k)."""
    return float(-(targets * np.log(np.clip(scores, 1e-12, 1.0))).sum(axis=1).mean())

"""How far scores agree with mean ratings: the figures by which the bundled classifier is chosen and described."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.datasets.examples import NEUTRAL_BORDER, hard_labels
from worker.evaluation.metrics import (
    Scores,
    accuracy,
    confusion,
    expected_calibration_error,
    log_loss,
    macro_f1,
    rows_by_domain,
    two_way,
)


@dataclass(frozen=True, slots=True)
class Report:
    """Agreement of scores (n, 3) with mean ratings (n,)."""

    rows: int
    #: Texts whose rating is more than the neutral border from zero.
    polar_rows: int
    #: `two_way` on the polar rows; NaN where there is none.
    two_way: float
    #: Accuracy of the largest of the three scores, on all rows.
    three_way: float
    macro_f1: float
    #: Expected calibration error of the three-way answer.
    ece: float
    #: (true label, predicted label) counts, 3 by 3.
    confusion: tuple[tuple[int, ...], ...]
    #: Mean of -log of the score of the true label, in nats.
    log_loss: float


def report(scores: Scores, ratings: Sequence[float] | NDArray[np.floating], border: float = NEUTRAL_BORDER) -> Report:
    """Measure scores (n, 3), rows summing to one, against the ratings (n,)."""
    column = np.asarray(ratings, dtype=np.float64)
    truth = hard_labels(column, border)
    table = confusion(truth, scores.argmax(axis=1), scores.shape[1])
    sides = two_way(scores, column, border)
    return Report(
        rows=len(truth),
        polar_rows=int((np.abs(column) > border).sum()),
        two_way=math.nan if sides is None else sides,
        three_way=accuracy(table),
        macro_f1=macro_f1(table),
        ece=expected_calibration_error(scores, truth),
        confusion=tuple(tuple(row) for row in table.tolist()),
        log_loss=log_loss(scores, truth),
    )


def report_by_domain(scores: Scores, ratings: Sequence[float], domains: Sequence[str]) -> dict[str, Report]:
    """Return a report for each domain, in alphabetical order."""
    column = np.asarray(ratings, dtype=np.float64)
    return {name: report(scores[rows], column[rows]) for name, rows in rows_by_domain(domains).items()}

"""The evaluation of a model on labelled texts, as one frozen record. Pure: it is given the scores."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.datasets.examples import LABELS
from worker.datasets.labelled import Labelled
from worker.evaluation.metrics import (
    accuracy,
    confusion,
    expected_calibration_error,
    log_loss,
    macro_f1,
    reliability,
    rows_by_domain,
    two_way,
    wilson_interval,
)


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One label: ``support`` texts have it."""

    label: str
    support: int
    precision: float | None
    """None if the model gives the label to no text."""
    recall: float | None
    """None if no text has the label."""
    f1: float | None
    """None if both are None; `Evaluation.macro_f1` is the mean of the others."""


@dataclass(frozen=True, slots=True)
class DomainResult:
    domain: str
    texts: int
    accuracy: float
    macro_f1: float
    two_way: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well scores match accuracy."""

    ece: float
    """Expected calibration error of the top score: mean gap between confidence and accuracy, 15 equal bins."""
    loss: float | None
    """Cross-entropy with the labels, in nats; None if a text has a label that the model cannot give, for which there is
    no score."""
    bins: tuple[tuple[float, float, int], ...]
    """(mean confidence, accuracy, texts) of each bin that has texts."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Failure rates on the behaviour suite."""

    mean: float
    """Mean over the tests, each with the same weight."""
    capabilities: dict[str, float]
    """Mean over the tests of each capability."""
    tests: dict[str, float]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A text, shown on request, whose label differs from the model's answer."""

    text: str = field(repr=False)
    label: str
    given: str
    score: float
    """The score of ``given``."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one file."""

    model: str
    revision: str
    texts: int
    labels: tuple[str, ...]
    accuracy: float
    """Share of texts whose largest score is that of their label; if ratings are the labels, three-way agreement."""
    accuracy_interval: tuple[float, float]
    """(low, high): the 95 % interval of ``accuracy`` (Wilson)."""
    macro_f1: float
    two_way: float | None
    """Share of the texts rated more than 0.5 from zero whose larger score of negative and positive is on the right
    side; a tie counts half. None without ratings, and with labels other than negative, neutral, positive."""
    calibration: Calibration | None
    """None for a model whose scores are not probabilities."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts: a row for each true label, a column for each predicted label."""
    classes: tuple[ClassResult, ...]
    domains: tuple[DomainResult, ...]
    """In alphabetical order; empty if the data has no domains."""
    truncated: int
    texts_per_second: float
    """Tokenising and inference, without loading."""
    load_seconds: float
    behaviour: Behaviour | None = None
    mistakes: tuple[Mistake, ...] = field(default=(), repr=False)
    """The most confident first."""

    @property
    def support(self) -> dict[str, int]:
        """Return the number of texts with each label."""
        return {each.label: each.support for each in self.classes}


def measure(
    scores: NDArray[np.floating],
    data: Labelled,
    *,
    model: str,
    revision: str,
    seconds: float,
    can_give: Collection[str],
    truncated: int = 0,
    load_seconds: float = 0.0,
    probabilities: bool = True,
    behaviour: Behaviour | None = None,
    examples: int = 0,
) -> Evaluation:
    """Measure scores [n, labels of the data] against the data's n labels, and against its ratings if it has any.

    ``can_give`` are the labels that the model can answer with. ``examples`` is the number of mistakes to include, with
    their texts.
    """
    table = confusion(data.truth, scores.argmax(axis=1), len(data.labels))
    return Evaluation(
        model=model,
        revision=revision,
        texts=len(data),
        labels=data.labels,
        accuracy=accuracy(table),
        accuracy_interval=wilson_interval(int(np.trace(table)), len(data)),
        macro_f1=macro_f1(table),
        two_way=_two_way(scores, data),
        calibration=_calibration(scores, data, can_give) if probabilities else None,
        confusion=tuple(tuple(row) for row in table.tolist()),
        classes=_classes(table, data.labels),
        domains=_domains(scores, data),
        truncated=truncated,
        texts_per_second=len(data) / max(seconds, 1e-9),
        load_seconds=load_seconds,
        behaviour=behaviour,
        mistakes=_mistakes(scores, data, examples),
    )


def _two_way(scores: NDArray[np.floating], data: Labelled) -> float | None:
    """Return the two-way agreement; None without ratings, or if the labels are not the three sentiments."""
    places = {label.casefold(): place for place, label in enumerate(data.labels)}
    if data.ratings is None or places.keys() != set(LABELS):
        return None
    return two_way(scores[:, [places[label] for label in LABELS]], data.ratings)


def _calibration(scores: NDArray[np.floating], data: Labelled, can_give: Collection[str]) -> Calibration:
    there = {data.labels[place] for place in np.unique(data.truth).tolist()}
    return Calibration(
        ece=float(expected_calibration_error(scores, data.truth)),
        loss=log_loss(scores, data.truth) if there <= set(can_give) else None,
        bins=tuple(reliability(scores, data.truth)),
    )


def _classes(table: NDArray[np.int64], labels: tuple[str, ...]) -> tuple[ClassResult, ...]:
    hits, has, given = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    return tuple(
        ClassResult(
            label,
            support=int(has[i]),
            precision=_ratio(hits[i], given[i]),
            recall=_ratio(hits[i], has[i]),
            f1=_ratio(2 * hits[i], has[i] + given[i]),
        )
        for i, label in enumerate(labels)
    )


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _domains(scores: NDArray[np.floating], data: Labelled) -> tuple[DomainResult, ...]:
    results = []
    for domain, rows in rows_by_domain(data.domains or ()).items():
        part, given = data.rows(rows), scores[rows]
        table = confusion(part.truth, given.argmax(axis=1), len(part.labels))
        results.append(
            DomainResult(domain or "(none)", len(part), accuracy(table), macro_f1(table), _two_way(given, part))
        )
    return tuple(results)


def _mistakes(scores: NDArray[np.floating], data: Labelled, count: int) -> tuple[Mistake, ...]:
    given = scores.argmax(axis=1)
    wrong = np.flatnonzero(given != data.truth)
    surest = wrong[np.argsort(-scores[wrong, given[wrong]], kind="stable")][:count]
    return tuple(
        Mistake(data.texts[i], data.labels[data.truth[i]], data.labels[given[i]], float(scores[i, given[i]]))
        for i in surest.tolist()
    )

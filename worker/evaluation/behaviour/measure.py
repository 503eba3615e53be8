"""The failure rates of a classifier in behaviour tests. Pure: it is given a function from texts to scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.datasets.examples import LABELS
from worker.evaluation.behaviour.suite import Test

#: Texts to scores (n, 3) in the order of `LABELS`, rows summing to one.
Score = Callable[[list[str]], NDArray[np.floating]]

#: How far polarity (-1 .. 1) may move against the direction of a test that requires no least rise or fall.
SLACK = 0.05


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a test; ``failed`` are the texts that failed, in the order of the suite."""

    name: str
    capability: str
    kind: str
    cases: int
    failed: tuple[str, ...]

    @property
    def failure_rate(self) -> float:
        return len(self.failed) / self.cases

    def __repr__(self) -> str:
        return f"Result({self.name!r}, {len(self.failed)}/{self.cases} failed)"


def measure(suite: Sequence[Test], score: Score) -> tuple[Result, ...]:
    """Run every test; all texts are scored in one call."""
    texts = [text for test in suite for text in test.texts]
    scores = np.asarray(score(texts), dtype=np.float64)
    if scores.shape != (len(texts), len(LABELS)):
        raise ValueError(f"expected scores {(len(texts), len(LABELS))}, got {scores.shape}")
    results: list[Result] = []
    start = 0
    for test in suite:
        failed: list[str] = []
        for group in test.groups:
            failed.extend(_failures(test, group, scores[start : start + len(group)]))
            start += len(group)
        results.append(Result(test.name, test.capability, test.kind, test.cases, tuple(failed)))
    return tuple(results)


def _failures(test: Test, group: tuple[str, ...], scores: NDArray[np.float64]) -> list[str]:
    labels = scores.argmax(axis=1)
    if test.kind == "label":
        allowed = {LABELS.index(label) for label in test.expect}
        return [text for text, label in zip(group, labels.tolist(), strict=True) if label not in allowed]
    if test.kind == "same":
        return [text for text, label in zip(group[1:], labels[1:].tolist(), strict=True) if label != labels[0]]
    before, after = (scores[:, 2] - scores[:, 0]) * (1.0 if test.expect == ("up",) else -1.0)
    # A polarity at its ceiling cannot rise any further.
    asked = -SLACK if test.least is None or 1.0 - before <= test.least else test.least
    return [group[1]] if after - before < asked else []


def per_capability(results: Sequence[Result]) -> dict[str, float]:
    """Return the mean failure rate of the tests of each capability, each test with the same weight."""
    names = dict.fromkeys(result.capability for result in results)
    return {
        name: float(np.mean([result.failure_rate for result in results if result.capability == name])) for name in names
    }


def mean_failure_rate(results: Sequence[Result]) -> float:
    """Return the mean over the tests, each with the same weight whatever its size."""
    return float(np.mean([result.failure_rate for result in results]))

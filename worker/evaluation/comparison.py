"""Comparing models on the same labelled texts, one after another, in one set of labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier
from worker.datasets.examples import LABELS
from worker.datasets.labelled import Labelled
from worker.evaluation import behaviour as suite
from worker.evaluation.baselines import open_vader
from worker.evaluation.behaviour.measure import mean_failure_rate
from worker.evaluation.inference import score
from worker.evaluation.label_space import (
    ModelLabels,
    check_sides,
    common_labels,
    labels_of,
    project,
    reached,
    relabel,
)
from worker.evaluation.measure import Behaviour, Evaluation, measure
from worker.verdict import Sentiment

VADER = "VADER"

#: (current step, texts done, total texts)
Progress = Callable[[str, int, int], None]

#: n texts to scores [n, 3], in the order of `LABELS`.
Scores = Callable[[list[str]], NDArray[np.floating]]


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """The answers of one model, before the labels for the comparison are known."""

    model: ModelLabels
    revision: str
    scores: NDArray[np.floating] = field(repr=False)
    seconds: float
    truncated: int
    load_seconds: float
    behaviour: Behaviour | None


def compare(
    data: Labelled,
    models: Sequence[str],
    load: Callable[[str], Classifier],
    *,
    with_vader: bool = False,
    tests: Sequence[suite.Test] = (),
    examples: int = 0,
    polarities: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> list[Evaluation]:
    """Evaluate each model on the data, and then VADER if asked to. One model is in memory at a time.

    ``tests`` are behaviour tests to run as well. ``polarities`` is the setting label_polarity, which says what the
    labels of the data and of the models mean; ``load`` makes the models' verdicts follow it.

    Raises:
        SettingError: a model cannot be loaded, `check_model` refuses it, or VADER is not installed.
        DeviceError: the device stopped working.
    """
    # Anything that can be refused is refused before minutes are spent on the models.
    vader_scores = open_vader() if with_vader else None
    vader = [ModelLabels(VADER, LABELS, tuple(Sentiment))] if with_vader else []
    common_labels(data, vader, polarities)
    answers = [_ask(data, load(name), polarities, tests, progress) for name in models]
    names = [answer.model.model for answer in answers]
    if len(set(names)) < len(names):  # folders in different places whose last parts are the same
        names = list(models)
    labels = common_labels(data, [*(answer.model for answer in answers), *vader], polarities)
    if with_vader:
        labels = LABELS  # in their order, which is that of VADER's scores
    seen = relabel(data, labels, polarities)
    evaluations = [
        measure(
            project(answer.scores, answer.model, labels),
            seen,
            model=name,
            revision=answer.revision,
            seconds=answer.seconds,
            can_give=reached(answer.model, labels),
            truncated=answer.truncated,
            load_seconds=answer.load_seconds,
            behaviour=answer.behaviour,
            examples=examples,
        )
        for name, answer in zip(names, answers, strict=True)
    ]
    if vader_scores is not None:
        evaluations.append(_vader(vader_scores, seen, tests))
    return evaluations


def check_model(
    data: Labelled, model: ModelLabels, polarities: Mapping[str, float] | None, *, with_behaviour: bool
) -> None:
    """Check that a model with these labels can be measured on the data, and with behaviour tests if asked for.

    Raises:
        SettingError: it cannot be measured.
    """
    common_labels(data, [model], polarities)
    if with_behaviour:
        check_sides(model)


def _ask(
    data: Labelled,
    classifier: Classifier,
    polarities: Mapping[str, float] | None,
    tests: Sequence[suite.Test],
    progress: Progress | None,
) -> _Answers:
    model = labels_of(classifier, polarities)
    check_model(data, model, polarities, with_behaviour=bool(tests))

    def told(what: str) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, total: progress(f"{model.model}: {what}", done, total)

    scored = score(classifier, data.texts, told("texts"))
    behaved = None
    if tests:
        behaved = _behaviour(
            tests, lambda texts: project(score(classifier, texts, told("behaviour")).scores, model, LABELS)
        )
    return _Answers(
        model,
        classifier.card.revision,
        scored.scores,
        scored.seconds,
        scored.truncated,
        classifier.load_seconds,
        behaved,
    )


def _behaviour(tests: Sequence[suite.Test], scores_of: Scores) -> Behaviour:
    results = suite.measure(tests, scores_of)
    return Behaviour(
        mean_failure_rate(results),
        suite.per_capability(results),
        {result.name: result.failure_rate for result in results},
    )


def _vader(scores_of: Scores, data: Labelled, tests: Sequence[suite.Test]) -> Evaluation:
    started = time.perf_counter()
    scores = scores_of(list(data.texts))
    return measure(
        scores,
        data,
        model=VADER,
        revision="",
        seconds=time.perf_counter() - started,
        can_give=LABELS,
        probabilities=False,
        behaviour=_behaviour(tests, scores_of) if tests else None,
    )

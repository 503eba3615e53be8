"""Many texts through tokenizer, planner and device, as the worker itself sends them, and their scores in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier
from worker.errors import Code, Reason, Rejection, SettingError
from worker.inference import Inference
from worker.text import counted

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores of n texts, in their order."""

    scores: NDArray[np.float32] = field(repr=False)
    """[n, labels]."""
    truncated: int
    """Number of texts that were longer than the model's limit."""
    seconds: float
    """Time of tokenising and inference, without loading."""


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """The texts of one call, as what the inference takes them from."""

    received_at: float = 0.0


def score(classifier: Classifier, texts: Sequence[str], progress: Progress | None = None) -> Scored:
    """Score the texts; ``progress`` is called with (texts done, total texts) after each batch.

    Raises:
        SettingError: a text cannot be tokenised or classified, or the model has no finite scores for some.
        DeviceError: the device or the tokenizer does not work any more.
    """
    started = time.perf_counter()
    inference: Inference[_Texts] = Inference(classifier)
    try:
        tokens, rejected = inference.tokenise(list(texts))
        _check_answered(classifier, rejected, len(texts))
        scores = np.zeros((len(texts), len(inference.labels)), np.float32)
        # The longest first: the planner then finds neighbours of like length in all of the texts.
        order = np.argsort(-tokens.lengths, kind="stable")
        inference.enqueue(_Texts(), tokens.chosen(order))
        done = 0
        for batch, result in inference.results(now=0.0):
            for _, rows, positions in batch.parts:
                scores[order[positions]] = result.scores[rows]
                rejected |= {int(order[positions[rows == row][0]]): why for row, why in result.rejected.items()}
            done += len(batch)
            if progress is not None:
                progress(done, len(texts))
    finally:
        inference.close(timeout=1.0)
    _check_answered(classifier, rejected, len(texts))
    return Scored(scores, int(tokens.truncated.sum()), time.perf_counter() - started)


def _check_answered(classifier: Classifier, rejected: Mapping[int, Rejection], texts: int) -> None:
    """Refuse texts without scores: the figures of the others alone would be comparable with nothing.

    Raises:
        SettingError: there are some.
    """
    if not rejected:
        return
    name, share = classifier.card.name, f"{len(rejected):,} of {counted(texts, 'text')}"
    if all(rejection.reason is Reason.NON_FINITE_SCORES for rejection in rejected.values()):
        raise SettingError(
            Code.SCORES_NOT_FINITE,
            f"the model {name} has no scores for {share}: use precision=fp32, or another model",
        )
    first = min(rejected)
    raise SettingError(
        Code.TEXT_NOT_CLASSIFIABLE,
        f"the model {name} cannot classify {share}, the first of them text {first + 1:,} "
        f"({rejected[first].message}): leave them out",
    )

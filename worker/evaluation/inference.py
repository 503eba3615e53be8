"""Many texts through the classifier and the device that the worker itself uses, sorted by length in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier, Device
from worker.errors import Code, SettingError

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores of n texts, in their order."""

    scores: NDArray[np.float32] = field(repr=False)
    """[n, labels]."""
    truncated: int
    """Texts that were longer than the model reads."""
    seconds: float
    """Tokenising and inference, loading left out."""


def score(classifier: Classifier, texts: Sequence[str], progress: Progress | None = None) -> Scored:
    """Score the texts; ``progress`` is told (texts done, texts in all) after each batch.

    Raises:
        SettingError: a text cannot be tokenised, or the model has no finite scores for some.
        DeviceError: the device stopped working.
    """
    started = time.perf_counter()
    try:
        tokens = classifier.tokenizer.encode(list(texts))
    except ValueError as error:
        raise SettingError(Code.TEXT_NOT_CLASSIFIABLE, f"a text cannot be classified: {error}") from None
    scores = np.zeros((len(texts), len(classifier.card.labels)), np.float32)
    unanswered = done = 0
    device = Device(classifier)
    try:
        for rows in tokens.by_length(classifier.batch_size, classifier.batch_tokens):
            result = device.submit(tokens.padded(rows, classifier.pad_id)).result()
            scores[rows] = result.scores
            unanswered += len(result.rejected)
            done += len(rows)
            if progress is not None:
                progress(done, len(texts))
    finally:
        device.close(timeout=1.0)
    if unanswered:
        raise SettingError(
            Code.SCORES_NOT_FINITE,
            f"the model {classifier.card.name} has no scores for {unanswered} of {len(texts)} texts: "
            "use precision=fp32, or another model",
        )
    return Scored(scores, int(tokens.truncated.sum()), time.perf_counter() - started)

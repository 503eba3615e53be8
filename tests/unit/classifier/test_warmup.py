"""Warming up finds the largest batch that the memory holds, and leaves the classifier that it was given as it was."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from error_codes import raises_code

from worker.classifier import Classifier
from worker.classifier.backends import BackendInfo
from worker.classifier.labels import Activation, VerdictTable
from worker.classifier.warmup import self_check, warm_up
from worker.errors import Code, DeviceError
from worker.tokens import PaddedBatch
from worker.verdict import ModelCard

LABELS = ("negative", "positive")


class Scarce:
    """A backend on an accelerator with room for ``room`` padded tokens."""

    info = BackendInfo("accelerator", "fp32", max_tokens=64, vocabulary=100, pad_id=0)

    def __init__(self, room: int, error: Exception) -> None:
        self.room, self.error = room, error
        self.released = 0

    def scores(self, batch: PaddedBatch) -> Any:
        if batch.ids.size > self.room:
            raise self.error
        return np.full((len(batch), 2), 0.5, np.float32)

    def release_memory(self) -> None:
        self.released += 1


def classifier_on(backend: Scarce) -> Classifier:
    tokenizer: Any = None
    return Classifier(
        card=ModelCard("scarce", "0", LABELS),
        backend=backend,
        tokenizer=tokenizer,
        table=VerdictTable(LABELS, np.array([-1, 1], np.float32), Activation.SOFTMAX),
        activation=Activation.SOFTMAX,
        max_tokens=64,
        batch_size=32,
        batch_tokens=2048,
        probe=PaddedBatch(np.ones((1, 3), np.int64), np.full(1, 3, np.int32)),
    )


def test_batches_are_halved_until_they_fit() -> None:
    scarce = Scarce(600, MemoryError())
    given = classifier_on(scarce)
    warm = warm_up(given)
    assert warm.batch_tokens == 512
    assert scarce.released == 2
    assert given.batch_tokens == 2048


def test_nothing_is_set_on_a_classifier() -> None:
    classifier = classifier_on(Scarce(600, MemoryError()))
    with pytest.raises(FrozenInstanceError):
        classifier.pads = False  # type: ignore[misc]
    assert not replace(classifier, pads=False).pads


def test_no_room_for_a_single_text_is_said_in_a_sentence() -> None:
    with raises_code(DeviceError, Code.OUT_OF_MEMORY):
        warm_up(classifier_on(Scarce(10, MemoryError())))


def test_another_failure_is_not_taken_for_it() -> None:
    with pytest.raises(RuntimeError, match="kernel failed"):
        warm_up(classifier_on(Scarce(10, RuntimeError("kernel failed"))))


def test_a_model_is_not_blamed_for_the_device_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.classifier.warmup._probe_ids", lambda _: [np.ones(3, np.int64), np.ones(9, np.int64)])
    with raises_code(DeviceError, Code.OUT_OF_MEMORY):
        self_check(classifier_on(Scarce(0, MemoryError())))

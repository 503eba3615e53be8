"""Evaluation classifies as the worker does: by the planner's batches, and with every bad text named."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from error_codes import raises_code
from failing_tokenizer import Failing

from worker.classifier import Classifier, open_classifier
from worker.errors import Code, DeviceError, SettingError
from worker.evaluation.inference import score
from worker.tokens import PaddedBatch

TEXTS = [f"{'very ' * (number * 7 % 23)}{'good' if number % 2 else 'bad'} indeed" for number in range(60)]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    loaded = open_classifier("bundled", device="cpu", precision="fp32")
    return replace(loaded, batch_size=8, batch_tokens=128)


class Recording:
    """The backend of a classifier, which notes its batches; beyond ``room`` padded tokens it has no memory."""

    def __init__(self, backend: Any, room: int = 10**9) -> None:
        self.backend, self.room = backend, room
        self.info = backend.info
        self.batches: list[PaddedBatch] = []

    def scores(self, batch: PaddedBatch) -> Any:
        if batch.ids.size > self.room:
            raise MemoryError
        self.batches.append(batch)
        return self.backend.scores(batch)

    def release_memory(self) -> None: ...


def test_batches_hold_texts_of_like_length_the_longest_first_and_scores_come_in_the_texts_order(
    classifier: Classifier,
) -> None:
    backend = Recording(classifier.backend)
    scored = score(replace(classifier, backend=backend), TEXTS)

    tokens = classifier.tokenizer.encode(TEXTS)
    expected = np.zeros_like(scored.scores)
    rows_of_batches = list(tokens.by_length(8, 128))
    for rows, batch in zip(rows_of_batches, backend.batches, strict=True):
        np.testing.assert_array_equal(batch.ids, tokens.padded(rows, classifier.pad_id).ids)
        expected[rows] = classifier.scores(tokens.padded(rows, classifier.pad_id))
    assert len(rows_of_batches) > 8
    np.testing.assert_array_equal(scored.scores, expected)


def test_a_batch_that_the_memory_does_not_hold_costs_no_text_and_makes_the_next_ones_smaller(
    classifier: Classifier,
) -> None:
    backend = Recording(classifier.backend, room=70)
    told: list[tuple[int, int]] = []
    scored = score(replace(classifier, backend=backend), TEXTS, lambda *done: told.append(done))

    np.testing.assert_allclose(scored.scores, score(classifier, TEXTS).scores, atol=1e-5)
    assert told[-1] == (60, 60)
    assert len(told) > len(list(classifier.tokenizer.encode(TEXTS).by_length(8, 128)))


def test_a_text_that_the_tokenizer_fails_on_is_named_by_its_number_and_not_quoted(classifier: Classifier) -> None:
    failing = replace(classifier, tokenizer=Failing(classifier.tokenizer, "secret"))
    with raises_code(SettingError, Code.TEXT_NOT_CLASSIFIABLE) as raised:
        score(failing, ["fine", "my secret bomb", "good", "a secret"])
    assert "2 of 4 texts, the first of them text 2 " in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_text_that_the_model_fails_on_is_named_too(classifier: Classifier) -> None:
    poison = int(classifier.tokenizer.encode(["poison"]).ids[1])

    class Poisoned(Recording):
        def scores(self, batch: PaddedBatch) -> Any:
            if (batch.ids == poison).any():
                raise IndexError("out of range")
            return super().scores(batch)

    with raises_code(SettingError, Code.TEXT_NOT_CLASSIFIABLE) as raised:
        score(replace(classifier, backend=Poisoned(classifier.backend)), [*TEXTS[:10], "poison", *TEXTS[10:]])
    assert "1 of 61 texts, the first of them text 11 " in str(raised.value)


def test_a_tokenizer_that_fails_on_everything_is_no_texts_fault(classifier: Classifier) -> None:
    failing = replace(classifier, tokenizer=Failing(classifier.tokenizer, ""))
    with raises_code(DeviceError, Code.TOKENIZER_FAILED):
        score(failing, ["fine"])


def test_scores_that_are_not_finite_ask_for_another_precision(classifier: Classifier) -> None:
    long = int(classifier.tokenizer.encode(["very"]).ids[1])

    class Overflowing(Recording):
        def scores(self, batch: PaddedBatch) -> Any:
            scores = super().scores(batch).copy()
            scores[(batch.ids == long).any(axis=1)] = np.nan
            return scores

    with raises_code(SettingError, Code.SCORES_NOT_FINITE) as raised:
        score(replace(classifier, backend=Overflowing(classifier.backend)), ["good", "very good"])
    assert "1 of 2 texts" in str(raised.value)

"""Classifiers that cost nothing, or a fixed time, for measuring everything around a classifier."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worker.classifier.labels import Activation, VerdictTable
from worker.tokens import PaddedBatch, TextTokenizer, Tokens
from worker.verdict import ModelCard, Verdicts

LABELS = ("negative", "neutral", "positive")


class NoTokenizer:
    """One token per text, at no cost."""

    name = "none"

    def encode(self, texts: Sequence[str]) -> Tokens:
        count = len(texts)
        ones = np.ones(count, np.int32)
        return Tokens(ones, ones, np.arange(count, dtype=np.int64), np.zeros(count, np.bool_))


def bundled_tokenizer() -> TextTokenizer:
    """Return the tokenizer of the bundled model as a worker has it."""
    from worker.classifier import load_classifier
    from worker.settings import load_settings

    return load_classifier(load_settings(device="cpu")).tokenizer


class StubClassifier:
    """Answers "neutral" to everything, after ``seconds`` for each batch."""

    def __init__(self, tokenizer: TextTokenizer | None = None, *, seconds: float = 0.0, batch_size: int = 256) -> None:
        self.card = ModelCard("stub", "0" * 12, LABELS)
        self.tokenizer = tokenizer or NoTokenizer()
        self.max_tokens, self.pad_id = 512, 0
        self.batch_size, self.batch_tokens = batch_size, 1_000_000
        self.device, self.precision, self.load_seconds = "stub", "fp32", 0.0
        self.probe = PaddedBatch(np.ones((1, 1), np.int64), np.ones(1, np.int32))
        self.seconds = seconds
        self.texts = 0
        self.first = self.last = 0.0
        self._table = VerdictTable(LABELS, np.array([-1, 0, 1], np.float32), Activation.SOFTMAX)

    def scores(self, batch: PaddedBatch) -> NDArray[np.float32]:
        self.first = self.first or time.monotonic()
        if self.seconds:
            time.sleep(self.seconds)
        self.texts += len(batch)
        self.last = time.monotonic()
        return np.tile(np.array([0.2, 0.5, 0.3], np.float32), (len(batch), 1))

    def verdicts(
        self, scores: NDArray[np.float32], lengths: NDArray[np.integer], truncated: NDArray[np.bool_]
    ) -> Verdicts:
        return self._table.verdicts(scores, lengths, truncated)

    def release_memory(self) -> None:
        pass

"""A device whose scores depend on the text, so that a wrong one can be told, and which misbehaves when it is told to.

What it is told stands in a file: empty, or one of ``slow SECONDS``, ``out_of_memory TOKENS``, ``raises`` and ``nan``.
"""

import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.stubs import LABELS, StubClassifier
from worker.tokens import PaddedBatch, Tokens
from worker.verdict import ModelCard

REVISION = "c4a05" + "0" * 27
RAISES, NAN, OUT_OF_MEMORY = "raises", "nan", "oom"
"""Texts that begin with one of these words fail alone."""
_MARKED = {RAISES: 2**31 - 1, NAN: 2**31 - 2, OUT_OF_MEMORY: 2**31 - 3}


def code_of(text: str) -> int:
    """Return the token that stands for a text."""
    return _MARKED.get(text.split(" ", 1)[0]) or zlib.crc32(text.encode()) & 0x3FFF_FFFF


def scores_of(codes: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the scores of n texts, float32 [n, 3], from their codes."""
    negative, neutral = codes % 997 / 2_000, codes // 997 % 997 / 2_000
    return np.stack([negative, neutral, 1 - negative - neutral], axis=1).astype(np.float32)


class TextTokenizer:
    """The code of a text once for every four of its characters."""

    name = "chaos"

    def encode(self, texts: Sequence[str]) -> Tokens:
        codes = np.array([code_of(text) for text in texts], np.int32)
        lengths = np.array([min(512, 1 + len(text) // 4) for text in texts], np.int32)
        offsets = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
        return Tokens(np.repeat(codes, lengths), lengths, offsets, np.zeros(len(texts), np.bool_))


class ChaosClassifier(StubClassifier):
    """Scores by text; ``name`` is the worker's, so that every output tells who wrote it."""

    def __init__(self, name: str, orders: Path) -> None:
        super().__init__(TextTokenizer(), batch_size=64)
        self.card = ModelCard(name, REVISION, LABELS)
        self.batch_tokens = 8_192
        self._orders = orders

    def scores(self, batch: PaddedBatch) -> NDArray[np.float32]:
        order, _, amount = self._orders.read_text().partition(" ")
        codes = batch.ids[:, 0]
        if order == "raises" or (codes == _MARKED[RAISES]).any():
            raise RuntimeError("the device was told to fail")
        if (codes == _MARKED[OUT_OF_MEMORY]).any() or (order == "out_of_memory" and batch.ids.size > int(amount)):
            raise MemoryError("the device was told that its memory is full")
        time.sleep(float(amount) if order == "slow" else 0.002)
        scores = scores_of(codes)
        scores[(codes == _MARKED[NAN]) | (order == "nan")] = np.nan
        return scores

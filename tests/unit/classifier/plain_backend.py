"""A backend in numpy that keeps every promise, and one for each way to break one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from worker.classifier.backends import BackendInfo
from worker.classifier.backends.conformance import Subject
from worker.tokens import PaddedBatch

INFINITE = 9
"""The token whose text has an infinite logit."""
LABELS = 3


class PlainBackend:
    """Sums a vector for each token of a text, and takes the sigmoid."""

    info = BackendInfo("cpu", "fp32", max_tokens=20, vocabulary=10, pad_id=0)

    def __init__(self) -> None:
        self.vectors = np.random.default_rng(5).normal(size=(10, LABELS))
        self.memory = 10**9
        """Padded tokens of a batch, at most."""

    def scores(self, batch: PaddedBatch) -> Any:
        if batch.ids.shape[1] > 20:
            raise ValueError("a text is too long")
        if batch.ids.size > self.memory:
            raise MemoryError
        return self.activated(batch, self.logits(batch))

    def logits(self, batch: PaddedBatch) -> Any:
        inside = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]
        logits = (self.vectors[batch.ids] * inside[:, :, None]).sum(axis=1)
        logits[(batch.ids == INFINITE).any(axis=1), 0] = np.inf
        return logits

    def activated(self, batch: PaddedBatch, logits: Any) -> Any:
        scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        scores[~np.isfinite(logits).all(axis=1)] = np.nan
        return scores

    def release_memory(self) -> None:
        pass


class OfDoubles(PlainBackend):
    def scores(self, batch: PaddedBatch) -> Any:
        return super().scores(batch).astype(np.float64)


class OfOneLabel(PlainBackend):
    def scores(self, batch: PaddedBatch) -> Any:
        return super().scores(batch)[:, :1]


class Sorting(PlainBackend):
    """Leaves the rows in the order in which they went to the device."""

    def scores(self, batch: PaddedBatch) -> Any:
        order = np.argsort(batch.ids.sum(axis=1), kind="stable")
        return super().scores(PaddedBatch(batch.ids[order], batch.lengths[order]))


class Reversing(PlainBackend):
    def scores(self, batch: PaddedBatch) -> Any:
        return super().scores(batch)[::-1]


class Maskless(PlainBackend):
    """Takes what fills a row up for text."""

    def logits(self, batch: PaddedBatch) -> Any:
        return self.vectors[batch.ids].sum(axis=1) + np.where(batch.ids == INFINITE, np.inf, 0).max(axis=1)[:, None]


class MasklessAlone(Maskless):
    """Takes what fills a row up for text where all rows are of one length."""

    def logits(self, batch: PaddedBatch) -> Any:
        if (batch.lengths == batch.lengths[:1]).all():
            return super().logits(batch)
        return PlainBackend.logits(self, batch)


class Unchecked(PlainBackend):
    """Makes a fine score of an infinite logit."""

    def activated(self, batch: PaddedBatch, logits: Any) -> Any:
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


class Spreading(PlainBackend):
    """Gives the neighbours of a row that is not finite no scores either."""

    def activated(self, batch: PaddedBatch, logits: Any) -> Any:
        scores = super().activated(batch, logits)
        return scores if np.isfinite(scores).all() else np.full_like(scores, np.nan)


class FailingOnNothing(PlainBackend):
    def scores(self, batch: PaddedBatch) -> Any:
        batch.ids[0]
        return super().scores(batch)


class ShortSighted(PlainBackend):
    """Reads one token less than it says."""

    def scores(self, batch: PaddedBatch) -> Any:
        if batch.ids.shape[1] == 20:
            raise IndexError("no such position")
        return super().scores(batch)


class Cutting(PlainBackend):
    """Scores the beginning of a text that is too long."""

    def scores(self, batch: PaddedBatch) -> Any:
        return super().scores(PaddedBatch(batch.ids[:, :20], np.minimum(batch.lengths, 20)))


class BreakingOnLength(PlainBackend):
    """Is broken for good by a text that is too long, as CUDA is by an index out of range."""

    broken = False

    def scores(self, batch: PaddedBatch) -> Any:
        self.broken |= batch.ids.shape[1] > 20
        scores = super().scores(batch)
        if self.broken:
            raise RuntimeError("device-side assert")
        return scores


class IndexErrorOnLength(PlainBackend):
    def scores(self, batch: PaddedBatch) -> Any:
        if batch.ids.shape[1] > 20:
            raise IndexError("index out of range in self")
        return super().scores(batch)


class OwnMemoryError(PlainBackend):
    """Says in its library's words that the memory does not suffice."""

    def scores(self, batch: PaddedBatch) -> Any:
        try:
            return super().scores(batch)
        except MemoryError:
            raise RuntimeError("out of memory") from None


class Unreleasing(PlainBackend):
    """Keeps the memory of a pass that failed."""

    kept = False

    def scores(self, batch: PaddedBatch) -> Any:
        if self.kept:
            raise MemoryError
        try:
            return super().scores(batch)
        except MemoryError:
            self.kept = True
            raise


class Lowering(PlainBackend):
    """Computes less precisely once memory ran out."""

    short = False

    def scores(self, batch: PaddedBatch) -> Any:
        try:
            scores = super().scores(batch)
        except MemoryError:
            self.short = True
            raise
        return scores.round(1) if self.short else scores


class Boundless(PlainBackend):
    """Never runs out of memory: the check has to be told how."""

    def scores(self, batch: PaddedBatch) -> Any:
        self.memory = 10**9
        return super().scores(batch)


class Reusing(PlainBackend):
    """Returns a view of one buffer, as a bound output of ONNX Runtime is."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = np.empty((10_000, LABELS), np.float32)

    def scores(self, batch: PaddedBatch) -> Any:
        view = self.buffer[: len(batch)]
        view[:] = super().scores(batch)
        return view


class Writing(PlainBackend):
    """Overwrites what fills its batch up."""

    def scores(self, batch: PaddedBatch) -> Any:
        batch.ids[np.arange(batch.ids.shape[1]) >= batch.lengths[:, None]] = 1
        return super().scores(batch)


class OfOneThread(PlainBackend):
    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()

    def scores(self, batch: PaddedBatch) -> Any:
        if threading.get_ident() != self.thread:
            raise RuntimeError("no context in this thread")
        return super().scores(batch)


BROKEN: dict[str, list[type[PlainBackend]]] = {
    "check_type_and_shape": [OfDoubles, OfOneLabel],
    "check_order": [Sorting, Reversing],
    "check_padding": [Maskless, MasklessAlone],
    "check_not_finite": [Unchecked, Spreading],
    "check_no_rows": [FailingOnNothing],
    "check_longest": [ShortSighted],
    "check_over_the_limit": [Cutting, BreakingOnLength, IndexErrorOnLength],
    "check_out_of_memory": [OwnMemoryError, Unreleasing, Lowering, Boundless],
    "check_ownership": [Reusing, Writing],
    "check_another_thread": [OfOneThread],
}
"""Backends by the check that finds them out."""


def subject_of(backend: PlainBackend) -> Subject:
    @contextmanager
    def little_memory() -> Iterator[None]:
        backend.memory = 100
        try:
            yield
        finally:
            backend.memory = 10**9

    return Subject(
        backend=backend,
        labels=LABELS,
        texts=[[1, 2, 3], [4, 5, 6, 1, 1], [3, 8, 2, 8, 7, 7, 2]],
        not_finite=[2, INFINITE],
        little_memory=little_memory,
        large=8,
    )

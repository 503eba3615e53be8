"""The device: one thread that owns the classifier, and the handling of batches that fail on it."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from worker.classifier.labels import Floats
from worker.classifier.memory_limit import MemoryLimit, Part, Shortage
from worker.errors import Code, DeviceError, Reason, Rejection, Stage
from worker.tokens import PaddedBatch
from worker.verdict import ModelCard

logger = logging.getLogger(__name__)


class Scorer(Protocol):
    """The part of ``Classifier`` that the device needs."""

    @property
    def card(self) -> ModelCard: ...
    @property
    def batch_tokens(self) -> int: ...
    @property
    def probe(self) -> PaddedBatch: ...

    def scores(self, batch: PaddedBatch) -> Floats:
        """Return the scores, float32 [n, labels]; a row that is not finite has no answer.

        Raises:
            MemoryError: the device does not have enough memory for this batch.
            Exception: anything else.
        """
        ...

    def release_memory(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The result of a batch of n texts."""

    scores: Floats = field(repr=False)
    """float32 [n, labels]; zeros in the rows of ``rejected``."""
    rejected: dict[int, Rejection]
    """By row."""
    seconds: float
    token_limit: int
    """Padded tokens that the next batch may have: the available memory may have changed."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """The facts about an exception that are kept: the exception itself keeps the tensors of the failed pass alive."""

    exception: str
    out_of_memory: bool


class Device:
    """Runs batches one after another in a thread of its own.

    A batch that fails is bisected until the text that makes it fail is isolated; the others get their scores. When
    memory runs out, ``MemoryLimit`` decides how large the next batches may be.
    """

    def __init__(self, classifier: Scorer) -> None:
        self._classifier = classifier
        self._limit = MemoryLimit(classifier.batch_tokens)
        self._said_short = False
        self._queue: SimpleQueue[tuple[PaddedBatch, Future[Result]] | None] = SimpleQueue()
        # A daemon thread: a device that hangs must not keep the process from exiting.
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    def submit(self, batch: PaddedBatch) -> "Future[Result]":
        """Queue a batch and return at once. The future gets what ``classify`` returns or raises."""
        future: Future[Result] = Future()
        self._queue.put((batch, future))
        return future

    def close(self, timeout: float | None = None) -> bool:
        """Let the thread finish its queue and end; return whether it has ended within ``timeout`` seconds."""
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            batch, future = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self.classify(batch))
            except BaseException as error:  # reported through the future: nobody awaits the thread
                future.set_exception(error)

    def classify(self, batch: PaddedBatch) -> Result:
        """Return scores, and a rejection for each text that has none. To be called in the device's thread only.

        With k bad texts among n, the model runs at most ``2 + k * (2 * log2(n) + 1)`` times, log2 rounded up; more
        often only if memory does not suffice for any n texts.

        Raises:
            DeviceError: a text failed alone, and so did one that is known to be good, so it is not the text's fault.
        """
        started = time.perf_counter()
        scores = np.zeros((len(batch), len(self._classifier.card.labels)), dtype=np.float32)
        rejected: dict[int, Rejection] = {}
        shortage = Shortage()
        pending = [(0, len(batch), 1)]  # parts of the batch, the next one last, and which attempt on their rows this is
        while pending:
            start, stop, attempt = pending.pop()
            part = batch.rows(start, stop)
            halves = [((start + stop) // 2, stop), (start, (start + stop) // 2)]
            size = part.ids.size
            if len(part) > 1 and (size > self._limit.tokens or not shortage.worth_a_try(size)):
                pending += [(*half, attempt) for half in halves]
                continue
            outcome = self._try(part)
            if not isinstance(outcome, _Failure):
                scores[start:stop] = outcome
                shortage.fits(Part(start, stop, size))
                continue
            if outcome.out_of_memory:
                shortage.fails(Part(start, stop, size))
            if len(part) > 1:
                pending += [(*half, attempt + 1) for half in halves]
            else:
                self._check_device(outcome.exception)
                rejected[start] = _inference_failed(outcome, attempt)

        not_finite = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        if len(not_finite):
            self._check_device("scores that are not finite")
            rejected |= dict.fromkeys(not_finite.tolist(), _NOT_FINITE)
            scores[not_finite] = 0
        self._learn_from(shortage)
        return Result(scores, rejected, time.perf_counter() - started, self._limit.tokens)

    def _try(self, batch: PaddedBatch) -> Floats | _Failure:
        try:
            return self._classifier.scores(batch)
        except Exception as error:
            logger.debug("a batch of %d texts failed", len(batch), exc_info=error)
            failure = _Failure(_name_of(error), isinstance(error, MemoryError))
        # Only here can the memory of the failed pass be released: the exception that referred to it is gone.
        if failure.out_of_memory:
            self._classifier.release_memory()
        return failure

    def _learn_from(self, shortage: Shortage) -> None:
        """Adjust the limit, and log once that memory is short and once that it suffices again."""
        limit = self._limit
        limit.after(shortage)
        if limit.tokens < limit.configured and not self._said_short:
            self._said_short = True
            logger.warning(
                "the device ran out of memory: batches are limited to %d tokens instead of %d until there is more",
                limit.tokens,
                limit.configured,
            )
        elif self._said_short and not limit.short:
            self._said_short = False
            logger.warning("the device has the memory for batches of %d tokens again", limit.tokens)

    def _check_device(self, trouble: str) -> None:
        outcome = self._try(self._classifier.probe)
        if isinstance(outcome, _Failure) or not np.isfinite(outcome).all():
            raise DeviceError(
                Code.DEVICE_FAILED,
                f"the device no longer classifies ({trouble}), not even a text that it classified before: "
                "check its state and its driver's log, then restart the worker",
            )


def _name_of(error: Exception) -> str:
    """Return the exception's name; for a MemoryError, that of the library's own exception."""
    own = error.__cause__ if isinstance(error, MemoryError) else None
    return type(own or error).__name__


def _inference_failed(failure: _Failure, attempts: int) -> Rejection:
    message = (
        "the device does not have enough memory to classify this text, even alone"
        if failure.out_of_memory
        else "the model fails on this text, even alone, and works on others"
    )
    return Rejection(Reason.INFERENCE_FAILED, Stage.CLASSIFY, message, failure.exception, attempts)


_NOT_FINITE = Rejection(
    Reason.NON_FINITE_SCORES, Stage.CLASSIFY, "the model's scores of this text are not finite numbers"
)

"""Texts to the device and their scores back to their jobs: what ``run`` and ``classify`` have in common.

Neither an event loop nor a clock: the caller gives the time, and brings each batch back with its result.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from worker.batching import Backlog, Batch, Flush, Limits, Plan, plan
from worker.classifier import Classifier, Device, Result, tokenise
from worker.errors import Rejection
from worker.fetch import Fetch
from worker.pipeline.job import Job
from worker.tokens import Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A batch that the device has."""

    batch: Batch
    flush: Flush
    waited: float
    """Seconds since the oldest text arrived."""
    result: Future[Result] = field(repr=False)


class Dispatcher:
    """The texts that wait for the device, and how many batches it has. Not thread-safe: one thread owns it."""

    def __init__(self, classifier: Classifier, *, batch_time: float, in_flight: int) -> None:
        self._classifier = classifier
        self._device = Device(classifier)
        self._backlog = Backlog(classifier.pad_id)
        self._limits = Limits(
            batch_size=classifier.batch_size,
            batch_tokens=classifier.batch_tokens,
            batch_time=batch_time,
            in_flight=in_flight,
        )
        self.in_flight = 0
        """Batches that the device has."""

    def __len__(self) -> int:
        """Return how many texts wait."""
        return len(self._backlog)

    @property
    def token_limit(self) -> int:
        """Padded tokens that a batch may have now."""
        return self._limits.batch_tokens

    def tokenise(self, texts: Sequence[str]) -> tuple[Tokens, dict[int, Rejection]]:
        """Return the tokens of texts, and a rejection of each that has none, by its index. In any thread.

        Raises:
            DeviceError: the tokenizer does not work any more.
        """
        return tokenise(self._classifier.tokenizer, texts)

    def add(self, job: Job, tokens: Tokens, rejected: Mapping[int, Rejection]) -> None:
        """Take the texts of a job, as ``tokenise`` gave them: they wait from now on."""
        job.tokenised(tokens, rejected, len(self._classifier.card.labels))
        self._backlog.add(job.fetch, tokens)

    def send(self, now: float, *, draining: bool = False) -> Sent | Plan:
        """Give the device the next batch, or return the plan that says when to ask again."""
        backlog = self._backlog
        if not len(backlog):
            return Plan()
        decision = plan(backlog.lengths, backlog.oldest, now, self._limits, self.in_flight, draining=draining)
        if decision.flush is None:
            return decision
        waited = now - backlog.oldest
        batch = backlog.take(decision.chosen)
        self.in_flight += 1
        return Sent(batch, decision.flush, waited, self._device.submit(batch.padded))

    def returned(self) -> None:
        """Note that the device has one batch less, whatever became of it."""
        self.in_flight -= 1

    def learn(self, result: Result) -> None:
        """Take over what a result says of the memory, before the next batch is sent."""
        self._limits = replace(self._limits, batch_tokens=result.token_limit)

    def drop(self, fetches: Iterable[Fetch]) -> None:
        """Forget what waits of these fetches."""
        self._backlog.drop(fetches)

    def close(self, timeout: float | None = None) -> None:
        """Let the device's thread end after what it has, and wait for that for ``timeout`` seconds."""
        self._device.close(timeout)

    def classify(self, job: Job, progress: Callable[[int], None]) -> None:
        """Classify the texts of a job that is decoded, and wait for that; ``progress`` is told of each batch's texts.

        Nothing else may wait or be in flight.

        Raises:
            DeviceError: the device or the tokenizer does not work any more.
        """
        self.add(job, *self.tokenise(job.texts))
        while isinstance(sent := self.send(job.fetch.received_at), Sent):
            try:
                result = sent.result.result()
            finally:
                self.returned()
            self.learn(result)
            for _ in classified(sent.batch, result, {job.fetch: job}):
                pass
            progress(len(sent.batch))


def classified(batch: Batch, result: Result, jobs: Mapping[Fetch, Job]) -> Iterator[tuple[Fetch, NDArray[np.intp]]]:
    """Note a batch's result in the jobs; yields each fetch that still has one with the indexes now decided."""
    for fetch, rows, texts in batch.parts:
        if job := jobs.get(fetch):  # else revoked while the device had it
            yield fetch, job.classified(texts, rows, result)

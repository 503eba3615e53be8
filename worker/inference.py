"""Texts through tokenizer, planner and device: what ``run``, ``classify`` and ``evaluate`` have in common.

Neither an event loop nor a clock: the caller gives the time, and brings each batch back with its result.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Generic

from worker.batching import Backlog, Batch, Flush, Limits, Plan, plan
from worker.batching.backlog import S
from worker.classifier import Classifier, Device, Result, tokenise
from worker.errors import Rejection
from worker.tokens import Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Sent(Generic[S]):
    """A batch that the device has."""

    batch: Batch[S]
    flush: Flush
    waited: float
    """Seconds since the oldest text arrived."""
    result: Future[Result] = field(repr=False)


class Inference(Generic[S]):
    """The texts that wait for the device, and how many batches it has. Not thread-safe: one thread owns it."""

    def __init__(self, classifier: Classifier, *, batch_time: float = 0.0, in_flight: int = 1) -> None:
        self._classifier = classifier
        self._device = Device(classifier)
        self._backlog: Backlog[S] = Backlog(classifier.pad_id)
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
    def labels(self) -> tuple[str, ...]:
        """The model's labels, one for each column of scores."""
        return self._classifier.card.labels

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

    def enqueue(self, source: S, tokens: Tokens) -> None:
        """Take the texts of a source: they wait from now on."""
        self._backlog.add(source, tokens)

    def send(self, now: float, *, draining: bool = False) -> Sent[S] | Plan:
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

    def drop(self, sources: Iterable[S]) -> None:
        """Forget what waits of these sources."""
        self._backlog.drop(sources)

    def close(self, timeout: float | None = None) -> None:
        """Let the device's thread end after what it has, and wait for that for ``timeout`` seconds."""
        self._device.close(timeout)

    def results(self, now: float) -> Iterator[tuple[Batch[S], Result]]:
        """Classify all that waits, batch by batch, and yield each batch with its result.

        Nothing may be in flight.

        Raises:
            DeviceError: the device does not work any more.
        """
        while isinstance(sent := self.send(now), Sent):
            try:
                result = sent.result.result()
            finally:
                self.returned()
            self.learn(result)
            yield sent.batch, result

"""On the way of events from a fetch to the broker's acknowledgement."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from worker.errors import Reason
from worker.observability.event import FrequentEvent, InternalEvent
from worker.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class FetchReceived(InternalEvent):
    """The pipeline has taken in a fetch."""

    messages: int

    def count(self, metrics: Metrics) -> None:
        metrics.received_messages.inc(self.messages)


@dataclass(frozen=True, slots=True)
class BatchSent(InternalEvent):
    """A batch went to the device."""

    flush: str
    """Why then."""
    waited: float
    """Seconds since the oldest of its texts arrived."""

    def count(self, metrics: Metrics) -> None:
        metrics.batch_flush.inc(1, self.flush)
        metrics.batch_wait.observe(self.waited)


@dataclass(frozen=True, slots=True)
class BatchClassified(InternalEvent):
    """A batch came back from the device."""

    texts: int
    tokens: int
    """Without padding."""
    padded_tokens: int
    seconds: float
    """How long the device computed."""

    def count(self, metrics: Metrics) -> None:
        metrics.batch_size.observe(self.texts)
        metrics.batch_tokens.observe(self.tokens)
        metrics.batch_padded_tokens.observe(self.padded_tokens)
        metrics.batch_padding_ratio.observe(1 - self.tokens / self.padded_tokens)
        metrics.inference_seconds.observe(self.seconds)


@dataclass(frozen=True, slots=True)
class RangeDelivered(InternalEvent):
    """The broker has acknowledged all answers to a completed range."""

    published: int
    dead_letters: int
    forwarded: int
    skipped: int
    seconds: float
    """Since the fetch arrived."""
    ages: Sequence[float] = field(repr=False)
    """Seconds since the events were written, as far as they have a timestamp."""

    def count(self, metrics: Metrics) -> None:
        metrics.published_messages.inc(self.published)
        metrics.published_dead_letter_messages.inc(self.dead_letters)
        metrics.forwarded_messages.inc(self.forwarded)
        metrics.skipped_messages.inc(self.skipped)
        messages = self.published + self.dead_letters + self.forwarded + self.skipped
        metrics.processing_latency.observe(self.seconds, messages)
        metrics.end_to_end_latency.observe_each(self.ages)


@dataclass(frozen=True, slots=True)
class DeadLettersDecided(FrequentEvent):
    """Events become dead letters: a wrong setting makes nothing else."""

    level = logging.WARNING

    reasons: Counter[Reason]

    def sentence(self) -> str:
        total = self.reasons.total()
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.most_common())
        return f"{total:,} dead {'letter' if total == 1 else 'letters'}: {reasons}"

    def count(self, metrics: Metrics) -> None:
        for reason, number in self.reasons.items():
            metrics.dead_letter_messages.inc(number, reason)

    def merged(self, later: Self) -> Self:
        return replace(self, reasons=self.reasons + later.reasons)

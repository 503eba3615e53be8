"""In the consumer: records, offsets, partitions and topics."""

import logging
from dataclasses import dataclass, replace
from typing import Self

from worker.observability.event import FrequentEvent, InternalEvent
from worker.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class UnreadableRecordsFound(FrequentEvent):
    """Records were fetched that cannot be read."""

    level = logging.WARNING

    first: str
    """Topic, partition and offset of the first of them."""
    trouble: str
    outcome: str
    """The outcome, as the log line ends."""
    records: int

    def sentence(self) -> str:
        besides = f", and {self.records - 1:,} more like it" if self.records > 1 else ""
        return f"{self.first}: {self.trouble}; it {self.outcome}{besides}"

    def count(self, metrics: Metrics) -> None:
        metrics.unreadable_records.inc(self.records)

    def merged(self, later: Self) -> Self:
        return replace(self, records=self.records + later.records)


@dataclass(frozen=True, slots=True)
class OffsetReset(InternalEvent):
    """A partition is read on elsewhere, since its offset is not of its log any more."""

    level = logging.WARNING

    reset: str
    """Which, why, and where to."""

    def sentence(self) -> str:
        return self.reset

    def count(self, metrics: Metrics) -> None:
        metrics.offset_resets.inc()


@dataclass(frozen=True, slots=True)
class PollFailed(InternalEvent):
    """The brokers could not be polled; it is tried again."""

    level = logging.WARNING

    trouble: str
    is_news: bool
    """Whether the poll before did not fail in the same way."""

    def sentence(self) -> str | None:
        return self.trouble if self.is_news else None

    def count(self, metrics: Metrics) -> None:
        metrics.poll_failures.inc()


@dataclass(frozen=True, slots=True)
class TopicMissed(InternalEvent):
    """An input topic is gone."""

    level = logging.WARNING

    topic: str

    def sentence(self) -> str:
        return f"topic {self.topic} is missing: waiting until somebody creates it"


@dataclass(frozen=True, slots=True)
class PartitionReadElsewhere(InternalEvent):
    """A poll went on elsewhere than behind what was accepted, and is set right."""

    level = logging.WARNING

    topic: str
    partition: int
    start: int
    next_offset: int

    def sentence(self) -> str:
        return (
            f"{self.topic}[{self.partition}] was read from offset {self.start} on although {self.next_offset} is next: "
            "reading goes back to that"
        )


@dataclass(frozen=True, slots=True)
class PartitionStalled(InternalEvent):
    """An open transaction holds a partition up."""

    level = logging.WARNING

    topic: str
    partition: int
    behind: int
    """Offsets that wait."""

    def sentence(self) -> str:
        return f"{self.topic}[{self.partition}] stands still: {self.behind} offsets wait behind an open transaction"


@dataclass(frozen=True, slots=True)
class PartitionGoesOn(InternalEvent):
    """The transaction that held a partition up has ended."""

    level = logging.WARNING

    topic: str
    partition: int

    def sentence(self) -> str:
        return f"{self.topic}[{self.partition}] goes on: the transaction has ended"

"""Between the worker and the brokers that it writes to."""

import logging
from dataclasses import dataclass

from worker.observability.event import InternalEvent
from worker.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class BatchNotWritten(InternalEvent):
    """A batch could not be written; it is tried again."""

    topic: str

    def count(self, metrics: Metrics) -> None:
        metrics.produce_retries.inc(1, self.topic)


@dataclass(frozen=True, slots=True)
class RecordsRefused(InternalEvent):
    """The broker refuses records for good: outputs become dead letters, dead letters go smaller."""

    topic: str
    records: int

    def count(self, metrics: Metrics) -> None:
        metrics.produce_refused_records.inc(self.records, self.topic)


@dataclass(frozen=True, slots=True)
class TopicNotWritable(InternalEvent):
    """A topic could not be written to for a while."""

    level = logging.WARNING

    topic: str
    partition: object
    error: str

    def sentence(self) -> str:
        return (
            f"{self.topic}[{self.partition}] cannot be written to ({self.error}): it is tried again until it works; "
            "what is not written is not committed"
        )


@dataclass(frozen=True, slots=True)
class TopicWritable(InternalEvent):
    """All of a topic can be written to again: at the level of the failure, for a reader who sees warnings alone."""

    level = logging.WARNING

    topic: str

    def sentence(self) -> str:
        return f"all of {self.topic} can be written to again"


@dataclass(frozen=True, slots=True)
class OutputsWaitForGroup(InternalEvent):
    """Nothing was sent for a while, since the partitions may be another's."""

    level = logging.WARNING

    def sentence(self) -> str:
        return (
            "outputs wait: the group's coordinator has not confirmed this worker's session, so that its partitions may "
            "be another's"
        )


@dataclass(frozen=True, slots=True)
class OutputsWaitNoLonger(InternalEvent):
    """The session is confirmed again."""

    level = logging.WARNING

    def sentence(self) -> str:
        return "outputs wait no longer for the group's coordinator"

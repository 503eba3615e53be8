"""Records that cannot be read, as values, and what the log says of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord, TopicPartition

from worker.errors import Reason, Rejection, Stage
from worker.intake.tolerant import ParsedRecord

LOG_SECONDS = 10.0
"""Between two lines in the log."""


@dataclass
class UnreadableRecord(ConsumerRecord):  # type: ignore[misc]
    """What is left of a record that cannot be read, and why it cannot."""

    rejection: Rejection


def unreadable(tp: TopicPartition, parsed: ParsedRecord, rejection: Rejection) -> UnreadableRecord:
    """Return the record with what could be read of it."""
    key, value = parsed.key, parsed.value
    sizes = (-1 if part is None else len(part) for part in (key, value))
    return UnreadableRecord(
        tp.topic, tp.partition, parsed.offset, parsed.timestamp, 0, key, value, None, *sizes, parsed.headers, rejection
    )


def of_a_record(trouble: str) -> Rejection:
    """Return why one record cannot be read."""
    return Rejection(Reason.UNREADABLE_RECORD, Stage.RECEIVE, f"the record cannot be read: {trouble}")


def of_a_batch(first: int, last: int, trouble: str, exception: str = "", *, counts: bool = True) -> Rejection:
    """Return why nothing of a batch can be read, or trusted."""
    where = f"offset {first}" if first == last else f"offsets {first} to {last}"
    message = f"the batch of {where} cannot be read: {trouble}"
    return Rejection(Reason.UNREADABLE_BATCH, Stage.RECEIVE, message, exception, counts=counts)


class UnreadableLog:
    """Has a sentence for the first record that cannot be read, and then at most one every ``LOG_SECONDS``."""

    def __init__(self) -> None:
        self._next = 0.0
        self._unsaid = 0

    def count(self, records: Sequence[UnreadableRecord], outcome: str, now: float) -> str | None:
        """Count records; returns a sentence about the first of them if it is time for one.

        Args:
            records: at least one.
            outcome: what each of them does, after the word "it".
            now: monotonic seconds.
        """
        self._unsaid += len(records)
        if now < self._next:
            return None
        self._next = now + LOG_SECONDS
        first, others = records[0], self._unsaid - 1
        self._unsaid = 0
        besides = f", and {others:,} more like it" if others else ""
        return f"{first.topic}-{first.partition}@{first.offset}: {first.rejection.message}; it {outcome}{besides}"

"""Records that cannot be read, as values, and what the log says of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord, TopicPartition

from worker.errors import Reason, Rejection, Stage
from worker.intake.tolerant import ParsedRecord


@dataclass
class UnreadableRecord(ConsumerRecord):  # type: ignore[misc]
    """The rest of a record that cannot be read, and the reason."""

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


class UnreadableTally:
    """Counts unreadable records, each with what it does (after the word "it"): a tally of ``PeriodicSummary``."""

    def __init__(self) -> None:
        self._first: tuple[UnreadableRecord, str] | None = None
        self._others = 0

    def add(self, items: Iterable[tuple[UnreadableRecord, str]]) -> None:
        """Count records."""
        for item in items:
            if self._first is None:
                self._first = item
            else:
                self._others += 1

    def take(self) -> str | None:
        """Return where the first of them is, and how many others there are, and forget them; None for none."""
        if self._first is None:
            return None
        (first, outcome), others = self._first, self._others
        self._first, self._others = None, 0
        besides = f", and {others:,} more like it" if others else ""
        return f"{first.topic}-{first.partition}@{first.offset}: {first.rejection.message}; it {outcome}{besides}"

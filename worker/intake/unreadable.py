"""Records that cannot be read, as values, and the event that tells of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord, TopicPartition

from worker.errors import Reason, Rejection, Stage
from worker.intake.tolerant import ParsedRecord
from worker.observability.events import UnreadableRecordsFound


@dataclass
class UnreadableRecord(ConsumerRecord):  # type: ignore[misc]
    """The rest of a record that cannot be read, and the reason."""

    rejection: Rejection

    def __repr__(self) -> str:
        return f"UnreadableRecord({self.topic}-{self.partition}@{self.offset})"  # texts are private


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


def unreadable_records_found(records: Sequence[UnreadableRecord], outcome: str) -> UnreadableRecordsFound:
    """Return the event that tells of these records; ``outcome`` is what each does, after the word "it"."""
    first = records[0]
    where = f"{first.topic}-{first.partition}@{first.offset}"
    return UnreadableRecordsFound(where, first.rejection.message, outcome, len(records))

"""Records on their way to one output partition, and the batches that are made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from worker.delivery.answers import RefusedOutput
from worker.delivery.ledger import CompletedRange
from worker.fetch import Headers

#: The timestamp of a record that has none; the broker checks no bounds of it.
NO_TIMESTAMP = -1
#: The most bytes that a record takes besides key, value and headers; a batch takes 61.
RECORD_OVERHEAD = 21


@dataclass(slots=True, eq=False)
class PendingDelivery:
    """A completed range on its way: acknowledged once each of its records is, as an output or a dead letter."""

    completed: CompletedRange
    remaining: int
    """Records not acknowledged yet."""
    dead_letters: int
    refused: list[RefusedOutput] = field(default_factory=list)
    is_withdrawn: bool = False
    """Whether its partition was revoked: nothing more of it may be sent."""


class Stamp(Enum):
    """Which timestamp a record gets."""

    INPUT = auto()
    """Its input's; the time of its writing where that has none."""
    WRITING = auto()
    """The time of its writing."""
    NONE = auto()
    """None."""


@dataclass(frozen=True, slots=True)
class OutputSlice:
    """Records of one pending delivery for one output partition, in index order; the columns have the same length."""

    pending: PendingDelivery
    indexes: Sequence[int]
    keys: Sequence[bytes | None] = field(repr=False)
    values: Sequence[bytes | None] = field(repr=False)
    headers: Sequence[Headers] = field(repr=False)
    stamp: Stamp
    left_out: frozenset[str] = frozenset()
    """Parts that dead letters go without, see ``smaller_letter``."""

    def pick(self, rows: Sequence[int]) -> "OutputSlice":
        """Return these records as a slice of their own."""
        return OutputSlice(
            self.pending,
            [self.indexes[row] for row in rows],
            [self.keys[row] for row in rows],
            [self.values[row] for row in rows],
            [self.headers[row] for row in rows],
            self.stamp,
            self.left_out,
        )


Span = tuple[OutputSlice, int, int]
"""Records ``start`` to ``stop`` (exclusive) of a slice."""


def append(
    builder: DefaultRecordBatchBuilder,
    position: int,
    span: Span,
    batch_bytes: int | None = None,
    alone_bytes: int | None = None,
) -> int:
    """Append records of a span until the batch is full; returns the row in the slice where it stopped.

    Args:
        builder: the batch.
        position: how many records it has.
        span: what to append.
        batch_bytes: the batch takes no further record above this size.
        alone_bytes: a record of this size gets a batch to itself.
    """
    outputs, start, stop = span
    records, keys, values, headers = (
        outputs.pending.completed.fetch.records,
        outputs.keys,
        outputs.values,
        outputs.headers,
    )
    for row in range(start, stop):
        if position:
            if batch_bytes is not None and builder.size() > batch_bytes:
                return row
            if alone_bytes is not None and _bytes(keys[row], values[row], headers[row]) >= alone_bytes:
                return row
        timestamp: int | None = None
        if outputs.stamp is Stamp.NONE:
            timestamp = NO_TIMESTAMP
        elif outputs.stamp is Stamp.INPUT and (given := records[outputs.indexes[row]].timestamp) >= 0:
            timestamp = given
        if builder.append(position, timestamp, keys[row], values[row], [*headers[row]]) is None:
            return row
        position += 1
    return stop


def _bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    own = len(key or b"") + len(value or b"") + RECORD_OVERHEAD
    return own + sum(len(name) + len(content or b"") for name, content in headers) if headers else own


def count(spans: Iterable[Span]) -> int:
    """Return how many records there are in spans."""
    return sum(stop - start for _, start, stop in spans)


def halves(spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Split spans in two of equal length, or nearly so."""
    first = count(spans) // 2
    left: list[Span] = []
    right: list[Span] = []
    for outputs, start, stop in spans:
        middle = min(stop, start + first)
        first -= middle - start
        if middle > start:
            left.append((outputs, start, middle))
        if stop > middle:
            right.append((outputs, middle, stop))
    return left, right


def part(spans: Sequence[Span], rows: Iterable[int]) -> tuple[list[OutputSlice], list[Span]]:
    """Take the records at these rows (ascending, counted through all spans) out of spans.

    Returns those, one slice for each that they come from, and the spans of the others.
    """
    wanted = iter(rows)
    next_wanted = next(wanted, None)
    taken: list[OutputSlice] = []
    rest: list[Span] = []
    base = 0
    for outputs, start, stop in spans:
        found: list[int] = []
        begin = start
        while next_wanted is not None and next_wanted < base + stop - start:
            row = start + next_wanted - base
            found.append(row)
            if row > begin:
                rest.append((outputs, begin, row))
            begin = row + 1
            next_wanted = next(wanted, None)
        if stop > begin:
            rest.append((outputs, begin, stop))
        if found:
            taken.append(outputs.pick(found))
        base += stop - start
    return taken, rest

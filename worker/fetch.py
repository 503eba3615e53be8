"""The unit of work: the records of one partition that arrived together.

The worker creates, awaits, locks and logs nothing per event; a record is identified by its *index* in its fetch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.errors import Rejection

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """The interface of a consumed record, as aiokafka's ``ConsumerRecord`` implements it."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch, or -1 where the record has none."""
        ...

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, slots=True, eq=False)
class Fetch:
    """Records of one partition, in offset order, as one poll returned them.

    A fetch is equal only to itself: after a partition was revoked and assigned again, the same offsets arrive as
    another fetch, and work done for the first is not mistaken for the second.
    """

    topic: str
    partition: int
    records: Sequence[Record] = field(repr=False)  # texts are private
    next_offset: int
    """The offset at which the consumer continues: after the last record and any gap that follows it (compaction,
    control records)."""
    received_at: float
    """Monotonic seconds."""
    unreadable: Mapping[int, Rejection] = field(default_factory=dict)
    """Rejections, by index, of records that are rejected before decoding because they are damaged."""

    def __len__(self) -> int:
        return len(self.records)

    def size(self) -> int:
        """Return the number of bytes in the records' keys, values and headers."""
        total = sum(len(record.value or b"") + len(record.key or b"") for record in self.records)
        with_headers = (record.headers for record in self.records if record.headers)
        return total + sum(len(name) + len(value or b"") for headers in with_headers for name, value in headers)

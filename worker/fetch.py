"""The unit that travels: the records of one partition that arrived together.

Nothing in the worker is made, awaited, locked or logged per event; a record is named by its *index* in its
fetch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.errors import Rejection

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """The interface of a consumed record; aiokafka's ``ConsumerRecord`` has it."""

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
    another fetch, and what was done for the first cannot be taken for the second.
    """

    topic: str
    partition: int
    records: Sequence[Record] = field(repr=False)  # texts are private
    next_offset: int
    """Where the consumer reads on: past the last record and past holes behind it (compaction, control records)."""
    received_at: float
    """Monotonic seconds."""
    unreadable: Mapping[int, Rejection] = field(default_factory=dict)
    """Rejections by index of records that are rejected before they are decoded: they are not there as written."""

    def __len__(self) -> int:
        return len(self.records)

    def size(self) -> int:
        """Bytes of the records' keys, values and headers."""
        total = sum(len(record.value or b"") + len(record.key or b"") for record in self.records)
        with_headers = (record.headers for record in self.records if record.headers)
        return total + sum(len(name) + len(value or b"") for headers in with_headers for name, value in headers)

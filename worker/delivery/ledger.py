"""Decide which records may be published, and which offset is safe to commit. Pure: no clock, no broker, no event loop.

For each assigned partition the ledger keeps its fetches in offset order. Records are *completed* in any order (by a
verdict, a rejection, or because there is nothing to say); the contiguous prefix of completed records is handed out as
*completed ranges*, once and in order, to be published; a range is *acknowledged* when the broker has all of it, again
in any order; and the *committable* offset moves over the contiguous prefix of acknowledged ranges only.

Revoking a partition forgets its fetches. A fetch that the ledger does not know is ignored ever after: what was in
flight for a partition that went away, and perhaps came back, can neither be published nor move an offset.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.fetch import Fetch


class Partition(NamedTuple):
    """A partition of a topic; equal to Faust's and aiokafka's own tuples of that shape."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, eq=False)
class CompletedRange:
    """Records ``start`` to ``stop`` (exclusive) of a fetch: completed, next in order, and handed out exactly once."""

    fetch: Fetch
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def ages(self, now: float) -> list[float]:
        """Return the seconds from the records' timestamps to ``now``, since the epoch; without those that have none."""
        written = [record.timestamp for record in self.fetch.records[self.start : self.stop]]
        ages = [now - timestamp / 1000 for timestamp in written if timestamp >= 0]
        # The producer's clock may be ahead of ours.
        return [max(0.0, age) for age in ages] if ages and min(ages) < 0 else ages

    @property
    def next_offset(self) -> int:
        """The offset to commit once this range, and all before it, are acknowledged."""
        if self.stop == len(self.fetch):
            return self.fetch.next_offset
        return self.fetch.records[self.stop - 1].offset + 1


@dataclass(slots=True)
class _Entry:
    """An open fetch: which of its records are completed, and how many are handed out."""

    fetch: Fetch
    is_completed: NDArray[np.bool_]
    handed_out: int = 0

    def next_range(self) -> CompletedRange | None:
        """Return the completed records that follow those handed out; None if the next one is not completed."""
        rest = self.is_completed[self.handed_out :]
        count = rest.size if rest.all() else int(rest.argmin())
        if count == 0:
            return None
        completed = CompletedRange(self.fetch, self.handed_out, self.handed_out + count)
        self.handed_out += count
        return completed


@dataclass(slots=True)
class _PartitionLedger:
    entries: deque[_Entry] = field(default_factory=deque)
    """Fetches with records not yet handed out, in offset order."""
    unacknowledged: deque[CompletedRange] = field(default_factory=deque)
    """Ranges in order, from the first that is not acknowledged."""
    acknowledged: set[CompletedRange] = field(default_factory=set)
    """Ranges behind that first one which are acknowledged already."""
    committable: int | None = None
    next_offset: int = 0
    """The offset behind the newest fetch."""
    passed_over: int = 0
    """Up to where the consumer has found nothing more behind the newest fetch."""

    @property
    def is_idle(self) -> bool:
        return not self.entries and not self.unacknowledged


class Ledger:
    """The fetches of all assigned partitions."""

    def __init__(self) -> None:
        self._partitions: dict[Partition, _PartitionLedger] = {}
        self._open: dict[Fetch, tuple[_PartitionLedger, _Entry]] = {}

    def open(self, fetch: Fetch) -> None:
        """Take in a fetch, before anything is done with it.

        Raises:
            ValueError: the fetch starts before the end of the last one of its partition. A consumer that was rewound
                has to revoke the partition first.
        """
        ledger = self._partitions.setdefault(Partition(fetch.topic, fetch.partition), _PartitionLedger())
        if fetch.records[0].offset < ledger.next_offset:
            raise ValueError(f"{fetch!r} goes back behind {ledger.next_offset}")
        ledger.next_offset = fetch.next_offset
        entry = _Entry(fetch, np.zeros(len(fetch), dtype=np.bool_))
        ledger.entries.append(entry)
        self._open[fetch] = (ledger, entry)

    def knows(self, fetch: Fetch) -> bool:
        """Return whether the fetch is open: its partition not revoked since, and not all of it acknowledged."""
        return fetch in self._open

    def complete(self, fetch: Fetch, indexes: Sequence[int] | NDArray[np.intp]) -> list[CompletedRange]:
        """Note that these records are decided; return what can be published now, in offset order.

        Raises:
            ValueError: a record is completed for the second time.
        """
        known = self._open.get(fetch)
        if known is None:
            return []
        ledger, entry = known
        if entry.is_completed[indexes].any():
            raise ValueError(f"a record of {fetch!r} is completed twice")
        entry.is_completed[indexes] = True
        ranges = []
        while ledger.entries:
            head = ledger.entries[0]
            if completed := head.next_range():
                ranges.append(completed)
            if head.handed_out < len(head.fetch):
                break
            ledger.entries.popleft()
        ledger.unacknowledged.extend(ranges)
        return ranges

    def acknowledge(self, completed: CompletedRange) -> list[Fetch]:
        """Note that the broker has all of a range; nothing is kept of one whose partition was revoked.

        Returns:
            The fetches that are done with it, in offset order: those behind it, too, that were only waiting for it.
        """
        known = self._open.get(completed.fetch)
        if known is None:
            return []
        ledger, _ = known
        done = []
        ledger.acknowledged.add(completed)
        while ledger.unacknowledged and ledger.unacknowledged[0] in ledger.acknowledged:
            first = ledger.unacknowledged.popleft()
            ledger.acknowledged.remove(first)
            ledger.committable = first.next_offset
            if first.stop == len(first.fetch):
                del self._open[first.fetch]
                done.append(first.fetch)
        if ledger.is_idle and ledger.committable is not None:
            ledger.committable = max(ledger.committable, ledger.passed_over)
        return done

    def pass_over(self, partition: Partition, position: int) -> None:
        """Note that the consumer reads on at ``position`` and found nothing before it that is not in the ledger.

        So once nothing is open the partition can be committed up to there: past aborted transactions, control records
        and what compaction removed.
        """
        ledger = self._partitions.setdefault(partition, _PartitionLedger())
        ledger.passed_over = position
        if ledger.is_idle:
            ledger.committable = max(position, ledger.committable or 0)

    def committable(self, partition: Partition) -> int | None:
        """Return the offset up to which everything is acknowledged; None while that is nothing."""
        ledger = self._partitions.get(partition)
        return ledger.committable if ledger else None

    def next_offset(self, partition: Partition) -> int:
        """Return the offset behind the newest fetch of a partition; 0 before any."""
        ledger = self._partitions.get(partition)
        return ledger.next_offset if ledger else 0

    def partitions(self) -> list[Partition]:
        """Return the partitions of which something was received since they were assigned."""
        return list(self._partitions)

    def unacknowledged(self) -> int:
        """Count the ranges that are not acknowledged, or wait for one before them that is not."""
        return sum(len(ledger.unacknowledged) for ledger in self._partitions.values())

    def open_events(self) -> int:
        """Count the events that were received and are not safe to commit: a restart would read them again."""
        ledgers = self._partitions.values()
        undecided = sum(len(entry.fetch) - entry.handed_out for ledger in ledgers for entry in ledger.entries)
        return undecided + sum(len(completed) for ledger in ledgers for completed in ledger.unacknowledged)

    def oldest_arrival(self) -> float | None:
        """Return when the oldest fetch arrived that is not acknowledged as a whole; None if there is none."""
        return next((fetch.received_at for fetch in self._open), None)  # opened in the order of their arrival

    def revoke(self, partitions: Iterable[Partition]) -> list[Fetch]:
        """Forget these partitions; return their fetches that were open."""
        gone = [self._partitions.pop(partition) for partition in set(partitions) & self._partitions.keys()]
        forgotten = [fetch for fetch, (ledger, _) in self._open.items() if any(ledger is one for one in gone)]
        for fetch in forgotten:
            del self._open[fetch]
        return forgotten

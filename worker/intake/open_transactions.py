"""Detecting partitions that are stalled by a producer's open transaction. Pure: no clock, no broker.

Under ``read_committed`` a partition is read up to its last stable offset, which does not pass the first record of an
open transaction. A producer that disappears without ending its transaction holds back everything that others write
after it, until the broker aborts the transaction, which may take as long as the producer's ``transaction.timeout.ms``.
"""

from collections.abc import Mapping
from typing import NamedTuple

from worker.delivery.ledger import Partition


class Ends(NamedTuple):
    """How far a partition is read, and how far it could be."""

    position: int
    last_stable: int
    high_watermark: int


class OpenTransactions:
    """Partitions that are at the same last stable offset as in the previous check, with records after it."""

    def __init__(self) -> None:
        self._seen: dict[Partition, int] = {}
        self._stalled: dict[Partition, int] = {}

    @property
    def stalled(self) -> dict[Partition, int]:
        """Return how many offsets wait behind an open transaction, by partition."""
        return dict(self._stalled)

    def look(self, partitions: Mapping[Partition, Ends]) -> tuple[list[Partition], list[Partition]]:
        """Check the assigned partitions.

        Returns:
            The partitions that have become stalled, and those that no longer are; each is returned once.
        """
        held = {
            partition: ends
            for partition, ends in partitions.items()
            if ends.position >= ends.last_stable and ends.last_stable < ends.high_watermark
        }
        stalled = {
            partition: ends.high_watermark - ends.last_stable
            for partition, ends in held.items()
            if self._seen.get(partition) == ends.last_stable
        }
        begun = sorted(stalled.keys() - self._stalled.keys())
        ended = sorted((self._stalled.keys() - stalled.keys()) & partitions.keys())
        self._seen = {partition: ends.last_stable for partition, ends in held.items()}
        self._stalled = stalled
        return begun, ended

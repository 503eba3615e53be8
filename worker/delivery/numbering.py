"""The numbers by which a broker tells a batch that it has from a new one (KIP-98), for one partition. Pure.

A broker takes a batch only if its first number follows the last that it has, and answers one that it has already as if
it had just written it. So a batch whose fate is unknown is sent again under the same numbers. A batch that is
given up instead may still be written by a request that waits in the broker: a new epoch prevents this once a later
batch is written.
"""

from dataclasses import dataclass

LAST_EPOCH = 2**15 - 1
NUMBERS = 2**31


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the numbering of one partition's records stands."""

    producer_id: int
    epoch: int = 0
    next: int = 0
    """The number of the next record."""

    def after(self, records: int) -> "Numbering":
        """Return the numbering behind so many records that were written."""
        return Numbering(self.producer_id, self.epoch, (self.next + records) % NUMBERS)

    def next_epoch(self) -> "Numbering | None":
        """Return a numbering under which nothing older is taken any more; None where a new producer id is needed."""
        return Numbering(self.producer_id, self.epoch + 1) if self.epoch < LAST_EPOCH else None

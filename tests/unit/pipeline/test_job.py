"""The slots of a job."""

from typing import ClassVar

from worker.codec import Decoded
from worker.delivery.ledger import Release
from worker.fetch import Fetch
from worker.job import Job


class Slot(int):
    """Counts how often it is compared."""

    compared: ClassVar[int] = 0

    def __eq__(self, other: object) -> bool:
        Slot.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_refused_forwards_are_no_forwards_and_each_costs_the_same() -> None:
    count = 2_000
    job = Job(Fetch("in", 0, [None] * count, count, 0.0), 0)
    job.decoded(Decoded(forwarded=[Slot(slot) for slot in range(count)]))
    for slot in range(0, count, 2):
        job.refused(slot)
    assert job.forwarded_in(Release(job.fetch, 0, count)) == [*range(1, count, 2)]
    assert Slot.compared < 10 * count

"""The indexes of a job."""

from typing import Any, ClassVar

from worker.codec import Decoded
from worker.delivery.ledger import CompletedRange
from worker.fetch import Fetch
from worker.pipeline.job import Job


class Index(int):
    """Counts how often it is compared."""

    compared: ClassVar[int] = 0

    def __eq__(self, other: object) -> bool:
        Index.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_refused_forwards_are_no_forwards_and_each_costs_the_same() -> None:
    count = 2_000
    records: list[Any] = [None] * count
    job = Job(Fetch("in", 0, records, count, 0.0), 0)
    job.decoded(Decoded(forwarded=[Index(index) for index in range(count)]))
    refused = set(range(0, count, 2))
    assert job.forwarded_in(CompletedRange(job.fetch, 0, count), refused) == [*range(1, count, 2)]
    assert Index.compared < 10 * count

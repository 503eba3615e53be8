"""The log hears of what happens often at once, then not too often, and of the last of it too."""

import asyncio

from worker.delivery.tally import DeadLetterTally
from worker.errors import Reason
from worker.observability.summary import PeriodicSummary


class Log:
    """PeriodicSummary with the clock and the sentences at hand."""

    def __init__(self, seconds: float = 10.0) -> None:
        self.now = 100.0
        self.said: list[str] = []
        self.summary: PeriodicSummary[Reason] = PeriodicSummary(
            DeadLetterTally(), self.said.append, seconds, lambda: self.now
        )

    def count(self, now: float, *reasons: Reason) -> None:
        self.now = now
        self.summary.count(reasons)


def test_the_first_is_told_at_once_and_the_next_ones_together_later() -> None:
    async def body() -> None:
        log = Log()
        log.count(100.0, Reason.NO_TEXT)
        log.count(101.0, *[Reason.NO_TEXT] * 1_500)
        log.count(109.9, Reason.NOT_JSON)
        assert log.said == ["1 dead letter: no_text 1"]
        log.count(110.0, Reason.NO_TEXT)
        log.count(111.0, Reason.NO_TEXT)
        assert log.said[1:] == ["1,502 dead letters: no_text 1,501, not_json 1"]

    asyncio.run(body())


def test_the_rest_is_told_in_time_although_nothing_more_comes() -> None:
    async def body() -> None:
        log = Log(seconds=0.05)
        log.count(100.0, Reason.NO_TEXT)
        log.count(100.0, Reason.EMPTY_TEXT)
        async with asyncio.timeout(20):
            while len(log.said) < 2:
                await asyncio.sleep(0)
        assert log.said[1] == "1 dead letter: empty_text 1"

    asyncio.run(body())


def test_the_rest_is_told_at_the_end_and_nothing_twice() -> None:
    async def body() -> None:
        log = Log()
        log.summary.flush()
        assert log.said == []
        log.count(101.0, Reason.NO_TEXT)
        log.count(102.0, Reason.EMPTY_TEXT, Reason.EMPTY_TEXT)
        log.summary.flush()
        log.summary.flush()
        assert log.said == ["1 dead letter: no_text 1", "2 dead letters: empty_text 2"]

    asyncio.run(body())

"""A topic that is missing is noticed when the group notices it, not only at the next look."""

import asyncio
from collections.abc import Collection

from aiokafka.errors import RequestTimedOutError
from event_loop import in_a_loop
from unit.intake.scene import ORDERS, TEXTS, Scene

from worker.intake.consumer import FetchConsumer
from worker.intake.topic_ids import TopicIds


class Watched:
    """A scene whose assignments are watched, and whose broker is asked for topics."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.missing: frozenset[str] = frozenset()
        self.is_silent = False
        self._asked = asyncio.Semaphore(0)
        self.scene.thread.topic_ids = self._topic_ids  # type: ignore[method-assign]
        self.scene.background.append(asyncio.ensure_future(FetchConsumer._watch_assignments(self.scene.consumer)))

    async def _topic_ids(self, topics: Collection[str]) -> TopicIds:
        assert set(topics) == {"texts"}
        self._asked.release()
        if self.is_silent:
            raise RequestTimedOutError
        return TopicIds({}, self.missing)

    async def looked(self) -> list[str]:
        """Return what ``/readyz`` says once the topics were looked at."""
        await self._asked.acquire()
        await asyncio.sleep(0)
        return self.scene.consumer.places.reasons()

    async def stop(self) -> None:
        self.scene.consumer._stopped.set()
        await asyncio.gather(*self.scene.background)


@in_a_loop
async def test_an_assignment_without_a_topic_says_at_once_that_it_is_missing_and_the_next_that_it_is_back() -> None:
    watched = Watched()
    watched.missing = frozenset({"texts"})
    await watched.scene.join(ORDERS)
    assert await watched.looked() == ["topic texts is missing"]
    watched.missing = frozenset()
    await watched.scene.join(ORDERS, TEXTS)
    assert await watched.looked() == []
    await watched.stop()


@in_a_loop
async def test_a_broker_that_says_nothing_of_the_topics_does_not_end_the_watch() -> None:
    watched = Watched()
    watched.missing, watched.is_silent = frozenset({"texts"}), True
    await watched.scene.join(ORDERS)
    assert await watched.looked() == []
    watched.is_silent = False
    await watched.scene.join(ORDERS)
    assert await watched.looked() == ["topic texts is missing"]
    await watched.stop()

"""Stopping the consumer: after a drain, with a last commit, and without waiting for a thread that has ended."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, cast

import faust.transport.drivers.aiokafka as driver
from aiokafka.errors import ConsumerStoppedError
from faust.types import TP

from worker.intake.worker_side import Intake

#: Seconds between checks whether the worker still serves its consumer's thread.
LOOK_SECONDS = 0.5
#: Seconds for which a stopping worker waits for its last commit.
LAST_COMMIT_SECONDS = 4.0


class EndingConsumer(driver.Consumer):
    """Faust's consumer, whose stops and rebalances end even after a crash elsewhere."""

    logger = logging.getLogger("faust.consumer")

    @property
    def _intake(self) -> Intake:
        return cast(Intake, cast(Any, self.transport).intake)

    async def wait_empty(self) -> None:
        """Drain the worker, then Faust's own streams, then commit."""
        stopping = self.app.should_stop
        await self._intake.drain(stopping=stopping)
        last = asyncio.ensure_future(self._commit_for_the_last_time())
        # In a crash, the consumer's thread may end first, and a commit requested then is never answered. It is not
        # enough to cancel the wait: Faust reacts to a cancelled wait with another commit.
        await asyncio.wait({last}, timeout=LAST_COMMIT_SECONDS if stopping else None)
        if last.done():
            await last
        else:
            last.cancel()
            self.log.warning("the last commit was not answered: what it held will be read again")

    async def _commit_for_the_last_time(self) -> None:
        # Faust takes a commit in progress for this one, although it began before the drain ended.
        await self.maybe_wait_for_commit_to_finish()
        await super().wait_empty()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        try:
            return await super()._commit(offsets)
        except ConsumerStoppedError:
            return False

    # After a crash nobody serves the queue of the thread's calls. The thread must not wait for an answer, or it would
    # never end.

    async def threadsafe_partitions_revoked(self, receiver_loop: Any, revoked: set[TP]) -> None:
        await self._while_served(super().threadsafe_partitions_revoked(receiver_loop, revoked))

    async def threadsafe_partitions_assigned(
        self, receiver_loop: Any, assigned: set[TP], generation_id: int = 0
    ) -> None:
        await self._while_served(super().threadsafe_partitions_assigned(receiver_loop, assigned, generation_id))

    async def _while_served(self, call: Coroutine[Any, Any, None]) -> None:
        """Await a call from the thread to the worker's event loop; runs in the thread."""
        task = asyncio.ensure_future(call)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK_SECONDS)
                if self._method_queue.should_stop and not task.done():
                    return
            await task
        finally:
            task.cancel()

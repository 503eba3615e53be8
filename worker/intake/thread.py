"""The thread that polls, and what it notes of each poll.

aiokafka lives in a thread with an event loop of its own. What has to hold together there (a poll and where it left the
consumer, a look at a position and a seek) is done in one go in that thread: between two of its awaits nothing else can
poll, seek or be assigned.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

import faust.transport.drivers.aiokafka as driver
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import ConsumerStoppedError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.types import TP
from mode.threads import MethodQueue

from worker.delivery.group_session import GroupSession
from worker.delivery.ledger import Partition
from worker.intake.coordinator import Coordinator
from worker.intake.lookup import LookUp, look_up, position
from worker.intake.membership import watch_membership
from worker.intake.open_transactions import Ends
from worker.intake.records import install
from worker.intake.stretches import take
from worker.intake.topic_ids import TopicIds, topic_ids

#: A poll, a commit, a look-up of places, one of topics, and what may come to these.
ASKED_AT_ONCE = 6


class Poll(dict[TP, list[Any]]):
    """Records by partition, as one poll returned them, and where it left the consumer."""

    def __init__(self, records: Mapping[TP, list[Any]], assignment: Any, moves: int, astray: Iterable[TP]) -> None:
        super().__init__(records)
        self.moves = moves
        """How often partitions had been moved before the poll."""
        self.astray = frozenset(astray)
        """Partitions whose offset is not in their log."""
        self.assignment = assignment
        """aiokafka's own. Each rebalance makes another one, also where the group's generation stays the same."""
        self.stretches = {} if assignment is None else {TP(*of): read for of, read in take(assignment).items()}
        """Offsets read through since the last poll; more than the records where there are holes."""
        self.next_offsets: dict[TP, int] = {}
        """Where each assigned partition is read on."""
        for target in () if assignment is None else assignment.tps:
            next_offset = position(assignment, target)
            if next_offset is not None:
                self.next_offsets[TP(*target)] = next_offset


class FetchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread, with notes of each poll and of the membership, and an isolation level.

    Faust couples the isolation level to its own transactions.
    """

    logger = logging.getLogger("faust.consumer")

    def __init__(
        self, consumer: Any, *, isolation_level: str, session: GroupSession, inputs: frozenset[str], **kwargs: Any
    ) -> None:
        super().__init__(consumer, **kwargs)
        self._wanted_isolation_level = isolation_level
        self._session = session
        self._inputs = inputs
        self.moves = 0
        """How often ``move`` was done."""
        self._asked: set[asyncio.Future[Any]] = set()
        """Calls that the thread has yet to answer."""

    @property
    def method_queue(self) -> MethodQueue:
        """Calls into the thread. As many are served at once as may wait for brokers that do not answer."""
        if self._method_queue is None:
            self._method_queue = MethodQueue(num_workers=ASKED_AT_ONCE, loop=self.thread_loop, beacon=self.beacon)
        return self._method_queue

    async def on_start(self) -> None:
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator
        if isinstance(coordinator, GroupCoordinator):  # nothing is subscribed yet, so that nothing was sent
            consumer = cast(Any, self.consumer)
            Coordinator.adopt(
                coordinator,
                consumer.places,
                self._session,
                consumer.on_fenced,
                consumer.on_refused,
                patience=self.app.conf.broker_session_timeout,
            )
            watch_membership(coordinator, self._session)

    async def call_thread(self, fun: Any, *args: Any, **kwargs: Any) -> Any:
        """Have ``fun`` awaited in the thread.

        Raises:
            ConsumerStoppedError: the thread has ended; whoever asks it then would wait for ever.
        """
        promise: asyncio.Future[Any] = self.parent_loop.create_future()
        self._asked.add(promise)
        try:
            await self.method_queue.call(promise, fun, *args, **kwargs)
            return await promise
        except asyncio.CancelledError:
            if promise.cancelled() or not promise.done():
                raise  # it is we who were cancelled
            raise ConsumerStoppedError from None  # in the thread, which is stopping
        except RuntimeError:
            if self.thread_loop.is_closed():
                raise ConsumerStoppedError from None
            raise
        finally:
            self._asked.discard(promise)

    def _start_thread(self) -> None:
        try:
            super()._start_thread()
        finally:
            with suppress(RuntimeError):  # the worker's loop is closed, and nobody waits any more
                self.parent_loop.call_soon_threadsafe(self._give_up_what_was_asked)

    async def on_thread_stop(self) -> None:
        """Stop aiokafka's consumer, also while a broker is away.

        aiokafka 0.14 waits for the fetches that it cancels; of one that was pausing after an error it gets the
        cancellation back, and leaves its connections open.
        """
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # it is we who were cancelled
            await self._ensure_consumer()._client.close()

    def _give_up_what_was_asked(self) -> None:
        """Fail the calls that came while aiokafka's consumer stopped, which is after the last one was served."""
        for promise in self._asked:
            if not promise.done():
                promise.set_exception(ConsumerStoppedError())

    def _crash(self, reason: BaseException) -> None:
        """Note that something else has crashed. The thread goes on until it is stopped: a commit is still to come."""
        self.crash_reason = reason

    def _stopped_set(self) -> None:
        with suppress(RuntimeError):  # it has ended by itself
            super()._stopped_set()

    def _create_worker_consumer(self, transport: Any) -> Any:
        install()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = self._wanted_isolation_level
        consumer._auto_offset_reset = "none"  # an offset that is not in the log is our business
        return consumer

    def current_assignment(self) -> Any:
        """aiokafka's assignment of this moment; None before the first."""
        subscription = self._ensure_consumer()._subscription.subscription
        return None if subscription is None else subscription.assignment

    def group_error(self) -> BaseException | None:
        """Return the error that ended aiokafka's part in the group for good; None while it takes part, or tries to."""
        coordinator = None if self._consumer is None else self._consumer._coordinator
        if coordinator is None:
            return None
        task = coordinator._coordination_task
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            return cast(BaseException, error)
        return cast(BaseException | None, coordinator._pending_exception)

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is Faust's
        max_records: int | None = None,
    ) -> Poll:
        astray: Iterable[TopicPartition] = ()
        try:
            records = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        except OffsetOutOfRangeError as error:
            records, astray = {}, error.args[0]
        except NoOffsetForPartitionError as error:
            records, astray = {}, error.args
        # No await since the records were taken.
        ours = [TP(*target) for target in astray if target.topic in self._inputs]
        self._reset(consumer, [target for target in astray if target.topic not in self._inputs])
        return Poll(records, self.current_assignment(), self.moves, ours)

    def _reset(self, consumer: Any, targets: Iterable[TopicPartition]) -> None:
        """Send partitions of other topics where Faust's settings say, as aiokafka would have done."""
        strategy = OffsetResetStrategy.from_str(self.app.conf.consumer_auto_offset_reset)
        for target in targets:
            state = self.current_assignment().state_value(target)
            if state is not None and strategy != OffsetResetStrategy.NONE:
                state.await_reset(strategy)

    async def topic_ids(self, topics: Collection[str]) -> TopicIds:
        """Ask a broker for the ids of topics.

        Raises:
            KafkaError: no broker answers.
        """
        return cast(TopicIds, await self.call_thread(topic_ids, self._ensure_consumer()._client, topics))

    def ends(self) -> dict[Partition, Ends]:
        """Return how far each assigned input partition is read and could be, as the newest fetches say."""
        assignment, ends = self.current_assignment(), {}
        for target in () if assignment is None else assignment.tps:
            state = assignment.state_value(target)
            offset = position(assignment, target)
            if target.topic in self._inputs and None not in (offset, state.lso, state.highwater):
                ends[Partition(*target)] = Ends(cast(int, offset), state.lso, state.highwater)
        return ends

    async def seek_to_committed_of(self, tps: Collection[TP]) -> dict[TP, int | None]:
        """Read these partitions on from their committed offsets; returns those."""
        return cast(dict[TP, int | None], await self.call_thread(self._seek_to_committed_of, tps))

    async def _seek_to_committed_of(self, tps: Collection[TP]) -> dict[TP, int | None]:
        assignment = self.current_assignment()
        targets = (
            [] if assignment is None else [target for tp in tps if (target := TopicPartition(*tp)) in assignment.tps]
        )
        if not targets:  # aiokafka would take all
            return {}
        committed = await self._ensure_consumer().seek_to_committed(*targets)
        return {TP(*target): offset for target, offset in committed.items()}

    async def look_up(self, tps: Collection[TP], time_ms: int | None) -> LookUp:
        """Ask where assigned partitions can be read from; see ``worker.intake.lookup``."""
        targets = [TopicPartition(*tp) for tp in tps]
        return cast(LookUp, await self.call_thread(look_up, self._ensure_consumer(), targets, time_ms))

    async def move(self, assignment: Any, offsets: Mapping[TP, int]) -> bool:
        """Read these partitions on from these offsets, unless a rebalance has come; returns whether it was done."""
        return cast(bool, await self.call_thread(self._move, assignment, offsets))

    async def _move(self, assignment: Any, offsets: Mapping[TP, int]) -> bool:
        if self.current_assignment() is not assignment:
            return False
        self.moves += 1  # what was polled before is not handed over
        for tp, offset in offsets.items():
            target = TopicPartition(*tp)
            if position(assignment, target) != offset:
                self._ensure_consumer().seek(target, offset)
        return True

    async def rewind(self, poll: Poll, offsets: Mapping[TP, int]) -> None:
        """Read these partitions on from these offsets, after a poll of which not all was taken.

        A partition that was moved since, by a rebalance or a seek, is left where it is: it has its place from whoever
        moved it.
        """
        await self.call_thread(self._rewind, poll, offsets)

    async def _rewind(self, poll: Poll, offsets: Mapping[TP, int]) -> None:
        if self.current_assignment() is not poll.assignment:
            return
        consumer = self._ensure_consumer()
        for tp, offset in offsets.items():
            target = TopicPartition(*tp)
            next_offset = position(poll.assignment, target)
            if next_offset is not None and next_offset == poll.next_offsets.get(tp):
                consumer.seek(target, offset)

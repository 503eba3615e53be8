"""Faust's consumer, changed in four answers so that it hands over whole fetches.

Faust spends 60 to 140 microseconds on each message it delivers. Here a message is all that one poll returned of one
partition, so that this is spent once per hundreds of records; every other topic (a user's own agents, tables,
changelogs) keeps getting single messages.

Everything that is not public in Faust 0.15 and aiokafka 0.14 and is used or overridden in this project stands in
``INTERNALS`` below; a contract test fails when an upgrade changes one of them. Elsewhere only
``worker/delivery/lane.py`` reaches behind aiokafka's doors, and says so there.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

import faust.transport.drivers.aiokafka as driver
from aiokafka import TopicPartition
from faust.types import TP, Message

from worker.delivery.ledger import Ledger, Partition
from worker.fetch import Fetch

#: (object, attribute, parameters in order): what we override or call of Faust's and aiokafka's insides.
INTERNALS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # overridden
    ("faust.transport.consumer.Consumer", "getmany", ("self", "timeout")),
    ("faust.transport.consumer.Consumer", "wait_empty", ("self",)),
    ("faust.transport.consumer.Consumer", "resume_flow", ("self",)),
    ("faust.transport.consumer.Consumer", "on_buffer_full", ("self", "tp")),
    ("faust.transport.consumer.Consumer", "on_buffer_drop", ("self", "tp")),
    ("faust.transport.consumer.Consumer", "perform_seek", ("self",)),
    ("faust.transport.consumer.Consumer", "_new_offset", ("self", "tp")),
    ("faust.transport.consumer.Consumer", "_filter_tps_with_pending_acks", ("self", "topics")),
    ("faust.transport.drivers.aiokafka.Consumer", "_new_consumer_thread", ("self",)),
    ("faust.transport.drivers.aiokafka.AIOKafkaConsumerThread", "_create_worker_consumer", ("self", "transport")),
    # called
    ("faust.transport.consumer.Consumer", "_wait_next_records", ("self", "timeout")),
    ("faust.transport.consumer.Consumer", "maybe_wait_for_commit_to_finish", ("self",)),
    ("faust.transport.consumer.Consumer", "_to_message", ("self", "tp", "record")),
    ("faust.transport.drivers.aiokafka.AIOKafkaConsumerThread", "_ensure_consumer", ("self",)),
    ("faust.transport.drivers.aiokafka.AIOKafkaConsumerThread", "call_thread", ("self", "fun", "args", "kwargs")),
)


#: How long a worker that stops waits for its last commit.
LAST_COMMIT_SECONDS = 4.0


class Intake(Protocol):
    """What the consumer asks of the worker."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def topics(self) -> frozenset[str]: ...

    @property
    def isolation_level(self) -> str: ...

    @property
    def start_time_ms(self) -> int | None:
        """Where partitions without a committed offset start, if not at an end: milliseconds since the epoch."""
        ...

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget what is pending of these partitions."""
        ...

    def resume(self) -> None:
        """Take fetches again after a drain."""
        ...

    async def drain(self, *, stopping: bool) -> None:
        """Finish what was started, within the worker's drain timeout."""
        ...


class FetchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that polls; sets the isolation level, which Faust does not offer without its own transactions."""

    logger = logging.getLogger("faust.consumer")

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = cast(FetchTransport, self.transport).intake.isolation_level
        return consumer

    def next_offset(self, tp: TP) -> int | None:
        """Where the next poll reads on: past the records returned so far, and past holes behind them."""
        assignment = self._ensure_consumer()._subscription.subscription.assignment
        target = TopicPartition(tp.topic, tp.partition)
        if assignment is None or target not in assignment.tps:
            return None
        state = assignment.state_value(target)
        return state.position if state.has_valid_position else None

    async def offsets_at(self, tps: list[TP], time_ms: int) -> dict[TP, int]:
        """For each partition the first offset at or after a time; its end where there is none."""
        return cast(dict[TP, int], await self.call_thread(self._offsets_at, tps, time_ms))

    async def _offsets_at(self, tps: list[TP], time_ms: int) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        targets = {TopicPartition(tp.topic, tp.partition): tp for tp in tps}
        found = await consumer.offsets_for_times(dict.fromkeys(targets, time_ms))
        ends = await consumer.end_offsets([target for target in targets if found.get(target) is None])
        return {tp: found[target].offset if found.get(target) else ends[target] for target, tp in targets.items()}


class FetchConsumer(driver.Consumer):
    """Yields a ``Fetch`` as the value of one message for intake topics, and single messages for all others."""

    logger = logging.getLogger("faust.consumer")

    _thread: FetchConsumerThread

    @property
    def _intake(self) -> Intake:
        return cast(FetchTransport, self.transport).intake

    def _new_consumer_thread(self) -> FetchConsumerThread:
        return FetchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        polled, active = await self._wait_next_records(timeout)
        if polled is None or self.should_stop:
            return
        if not self.flow_active:
            await self._go_back(polled)
            return
        generation = self.app.consumer_generation_id
        taken = {tp for tp in polled if active is None or tp in active or tp in self._buffered_partitions}
        await self._give_back({tp: records for tp, records in polled.items() if tp not in taken})
        fetches = self._open_fetches({tp: polled[tp] for tp in taken})
        for tp in taken:
            if not self._is_current(generation):
                break
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if tp in fetches:
                yield tp, self._fetch_message(tp, fetches[tp])
            elif tp.topic not in self._intake.topics:
                for record in polled[tp]:
                    if not self._is_current(generation):
                        break
                    yield tp, self._to_message(tp, record)

    async def _go_back(self, polled: Mapping[TP, list[Any]]) -> None:
        """The flow stopped while we polled, for a rebalance or a stop: back to the committed offsets."""
        try:
            await self.perform_seek()
        except Exception as error:  # the partitions may be gone by now: then there is nothing to go back in
            self.log.warning("could not seek to the committed offsets: %r", error)
        await self._give_back(polled)

    async def _give_back(self, polled: Mapping[TP, list[Any]]) -> None:
        """Read again what was polled and is not taken: its partition is paused, or the flow stopped meanwhile."""
        assigned = self.assignment()
        for tp, records in polled.items():
            if tp not in assigned:
                continue
            # Where something is committed, perform_seek goes back further; it leaves other partitions where they are.
            if self._committed_offset[tp] is None or self.flow_active:
                await self._seek(tp, records[0].offset)

    def _is_current(self, generation: int) -> bool:
        return self.flow_active and self.app.consumer_generation_id == generation

    def _open_fetches(self, polled: Mapping[TP, list[Any]]) -> dict[TP, Fetch]:
        """Enter what was polled into the ledger, before anything can ask for offsets again."""
        intake, now, fetches = self._intake, time.monotonic(), {}
        for tp in self.assignment():
            if tp.topic not in intake.topics:
                continue
            position = self._thread.next_offset(tp)
            if position is None:
                continue
            partition, records = Partition(*tp), polled.get(tp)
            if not records:
                intake.ledger.pass_over(partition, position)
            elif position > records[-1].offset:  # else polled under an earlier assignment, and to be polled again
                if records[0].offset < intake.ledger.next_offset(partition):
                    intake.revoke([partition])  # rewound
                fetches[tp] = Fetch(tp.topic, tp.partition, records, position, now)
                intake.ledger.open(fetches[tp])
        return fetches

    def _fetch_message(self, tp: TP, fetch: Fetch) -> Message:
        last = fetch.records[-1]
        return Message(
            tp.topic,
            tp.partition,
            last.offset,  # Faust notes it as read
            last.timestamp / 1000.0,
            0,
            [],
            None,
            cast(bytes, fetch),
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def perform_seek(self) -> None:
        """Go to the committed offsets; a partition without one goes to ``start_from``, where that is a time."""
        await super().perform_seek()
        time_ms = self._intake.start_time_ms
        fresh = [
            tp for tp in self.assignment() if tp.topic in self._intake.topics and self._committed_offset[tp] is None
        ]
        if time_ms is not None and fresh:
            for tp, offset in (await self._thread.offsets_at(fresh, time_ms)).items():
                await self._seek(tp, offset)

    def resume_flow(self) -> None:
        """Records come again: from now on they must be taken again, too."""
        self._intake.resume()
        super().resume_flow()

    async def wait_empty(self) -> None:
        """Finish what was started, then what Faust's own streams have, then commit."""
        stopping = self.app.should_stop
        await self._intake.drain(stopping=stopping)
        last = asyncio.ensure_future(self._commit_for_the_last_time())
        # At a crash the consumer's thread may end first, and a commit asked of it then is never answered. It is not
        # enough to cancel what waits for it: Faust takes a cancelled wait for a reason to commit once more.
        await asyncio.wait({last}, timeout=LAST_COMMIT_SECONDS if stopping else None)
        if last.done():
            await last
        else:
            last.cancel()
            self.log.warning("the last commit was not answered: what it held will be read again")

    async def _commit_for_the_last_time(self) -> None:
        # Faust takes a commit that is under way for this one, although it began before the drain ended.
        await self.maybe_wait_for_commit_to_finish()
        await super().wait_empty()

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for partition in self._intake.ledger.partitions():
            tp = TP(*partition)
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self._intake.topics:
            return self._intake.ledger.committable(Partition(*tp))
        return super()._new_offset(tp)

    # When a buffer is full Faust takes its partition out of those it polls, and sleeps for a second once none is left.
    # For fetches the full buffer itself is enough: it blocks getmany until the pipeline has room.

    def on_buffer_full(self, tp: TP) -> None:
        if tp.topic not in self._intake.topics:
            super().on_buffer_full(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        if tp.topic not in self._intake.topics:
            super().on_buffer_drop(tp)


class FetchTransport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = FetchConsumer
    intake: Intake

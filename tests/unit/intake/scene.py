"""Intake without a broker: Faust's and our own consumer and thread, and aiokafka's own state of what is assigned.

Only what would talk to a broker is replaced, and the thread's loop is the test's. What happens elsewhere while the
thread works is scripted: ``scene.kafka.while_waiting(...)`` while a poll waits for records, ``scene.after_poll(...)``
when it has returned in the thread and the consumer does not know yet, ``scene.before_job(...)`` and
``scene.after_job(...)`` around the next other thing that the consumer asks of the thread.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.types import TP, Message

from worker.delivery.group_session import GroupSession
from worker.delivery.ledger import Ledger, Partition
from worker.fetch import Fetch
from worker.intake.consumer import FetchConsumer, FetchTransport
from worker.intake.coordinator import ReadOffset
from worker.intake.lookup import LookUp, Whereabouts
from worker.intake.offset_reset import Bookmark, Log, Policy, Reset
from worker.intake.stretches import note
from worker.intake.topic_ids import TopicId
from worker.observability.event import InternalEvent
from worker.observability.telemetry import Telemetry

TEXTS, MORE_TEXTS, ORDERS = TP("texts", 0), TP("texts", 1), TP("orders", 0)
Script = Callable[[], Awaitable[None]]
POLL = 10
"""Records of one poll."""


def record(tp: TP, offset: int) -> Any:
    """A record whose time, in milliseconds, is its offset."""
    return SimpleNamespace(
        topic=tp.topic,
        partition=tp.partition,
        offset=offset,
        timestamp=offset,
        timestamp_type=0,
        key=None,
        value=b"v",
        headers=(),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=1,
    )


class Kafka:
    """aiokafka's consumer: its own methods and its own state, over partitions that are lists."""

    seek = AIOKafkaConsumer.seek
    seek_to_committed = AIOKafkaConsumer.seek_to_committed
    assignment = AIOKafkaConsumer.assignment
    highwater = AIOKafkaConsumer.highwater

    def __init__(self, offset_reset: str) -> None:
        self.records: dict[TP, list[Any]] = defaultdict(list)
        self.offsets: dict[TP, int] = {}
        self._subscription = SubscriptionState(asyncio.get_running_loop())
        self._subscription.subscribe({"texts", "orders"})
        self.reset = offset_reset
        self.ends: dict[TP, int] = {}
        """Where there is more than the records: markers, or holes."""
        self.topic_ids: dict[str, TopicId] = {}
        self.unknown: dict[TP, str] = {}
        """Partitions of which the broker knows nothing, and why."""
        self.committed_ids: dict[TP, TopicId] = {}
        self.partitions_at_first: dict[str, int] = {}
        self.holes_behind = 0
        """Offsets without a record (markers, say) behind those of a poll."""
        self._waiting: list[Script] = []
        self._looking_up: list[Script] = []
        self._closed = False
        self._max_poll_records = POLL
        self._fetcher = SimpleNamespace(
            _subscriptions=self._subscription,
            _closed=False,
            seek_to=self._subscription.seek,
            fetched_records=self._fetched_records,
        )

    def while_waiting(self, *scripts: Script) -> None:
        self._waiting += scripts

    def while_looking_up(self, *scripts: Script) -> None:
        self._looking_up += scripts

    def produce(self, tp: TP, offsets: Iterable[int]) -> None:
        self.records[tp] += [record(tp, offset) for offset in offsets]

    def assign(self, tps: Iterable[TP]) -> None:
        """Do what a join ends with: another assignment, all its partitions at their committed or reset offset."""
        self._subscription.assign_from_subscribed({TopicPartition(*tp) for tp in tps})
        for tp in tps:
            if tp in self.offsets:
                self.state(tp).reset_to(self.offsets[tp])
            elif tp.topic == "orders":
                self.state(tp).reset_to(self.first(tp) if self.reset == "earliest" else self.end(tp))

    def first(self, tp: TP) -> int:
        return self.records[tp][0].offset if self.records[tp] else 0

    def end(self, tp: TP) -> int:
        return max(self.ends.get(tp, 0), self.records[tp][-1].offset + 1 if self.records[tp] else 0)

    def state(self, tp: TP) -> Any:
        return self._subscription.subscription.assignment.state_value(tp)

    def go_through(self, tp: TP, stop: int) -> None:
        """Read a partition up to an offset, as aiokafka and our ``FetchResult`` do it."""
        state = self.state(tp)
        note(self._subscription.subscription.assignment, TopicPartition(*tp), state.position, stop)
        state.consumed_to(stop)

    async def _fetched_records(self, partitions: set[TP], *, max_records: int, **_: Any) -> dict[TP, list[Any]]:
        await _play(self._waiting)
        if self._subscription.reassignment_in_progress:
            await self._subscription.wait_for_assignment()
        drained = {}
        for tp in sorted(self._subscription.assigned_partitions()):
            if partitions and tp not in partitions:  # as aiokafka: all of them, once the set is empty
                continue
            state = self.state(tp)
            if not state.has_valid_position:
                raise NoOffsetForPartitionError(TopicPartition(*tp))
            if not self.first(tp) <= state.position <= self.end(tp) + self.holes_behind:
                raise OffsetOutOfRangeError({TopicPartition(*tp): state.position})
            found = [one for one in self.records[tp] if one.offset >= state.position][:max_records]
            if found:
                self.go_through(tp, found[-1].offset + 1 + self.holes_behind)
                drained[tp] = found
        return drained

    async def committed(self, tp: TP) -> int | None:
        return self.offsets.get(tp)

    async def look_up(self, tps: Iterable[TP], time_ms: int | None) -> LookUp:
        """Return what ``worker.intake.lookup`` would find."""
        await _play(self._looking_up)
        found = {}
        for tp in [tp for tp in tps if tp not in self.unknown]:
            later = [] if time_ms is None else [one for one in self.records[tp] if one.timestamp >= time_ms]
            found[TopicPartition(*tp)] = Whereabouts(
                Log(self.first(tp), self.end(tp), self.end(tp), self.topic_ids.get(tp.topic)),
                Bookmark(self.offsets[tp], self.committed_ids.get(tp)) if tp in self.offsets else None,
                self.partitions_at_first.get(tp.topic, 100),
                later[0].offset if later else None,
            )
        return LookUp(found, {TopicPartition(*tp): reason for tp, reason in self.unknown.items()})


class Intake:
    """The worker, as far as the consumer asks it."""

    isolation_level = "read_committed"
    topics = frozenset({"texts"})

    metadata_max_age = 30.0

    def __init__(self, start_time_ms: int | None, on_offset_reset: Policy = "earliest") -> None:
        self.ledger = Ledger()
        self.start_time_ms = start_time_ms
        self.failures: list[BaseException] = []
        self.session = GroupSession(60.0, time.monotonic)
        self.session.joined(self.session.now())
        self.on_offset_reset = on_offset_reset
        self.resets: list[Reset] = []
        self.telemetry = Telemetry()
        self.metrics = self.telemetry.metrics

    def emit(self, event: InternalEvent) -> None:
        self.telemetry.emit(event)

    def note_reset(self, reset: Reset) -> None:
        self.resets.append(reset)

    def note_stalled(self, partitions: Mapping[Partition, int]) -> None: ...

    def revoke(self, partitions: Iterable[Partition]) -> None:
        self.ledger.revoke(partitions)

    def resume(self) -> None: ...

    async def drain(self, *, stopping: bool) -> None: ...

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)


class Scene:
    """One member of a group: ``join`` it, ``turn`` it, ``rebalance`` it."""

    def __init__(
        self,
        *,
        start_time_ms: int | None = None,
        offset_reset: str = "earliest",
        on_offset_reset: Policy = "earliest",
    ) -> None:
        self.app = faust.App("scene", broker="kafka://nowhere", consumer_auto_offset_reset=offset_reset)
        transport = FetchTransport(self.app.conf.broker_consumer, self.app)
        self.intake = transport.intake = Intake(start_time_ms, on_offset_reset)
        self.app.transport = transport
        self.consumer = cast(
            FetchConsumer,
            transport.create_consumer(
                callback=self._taken, on_partitions_revoked=self._revoked, on_partitions_assigned=self._assigned
            ),
        )
        self.kafka = Kafka(offset_reset)
        self.thread = self.consumer._thread
        self.thread._consumer = self.kafka
        self.thread.call_thread = self._call_thread  # type: ignore[method-assign, assignment]
        self.thread.look_up = self.kafka.look_up  # type: ignore[method-assign]
        self.tps: set[TP] = set()
        self.given: list[Message] = []
        self.acknowledged: set[Fetch] = set()
        self.background: list[asyncio.Future[Any]] = []
        """Tasks that a test has begun and waits for at its end."""
        self._after_poll: list[Script] = []
        self._before_job: list[Script] = []
        self._after_job: list[Script] = []

    def after_poll(self, *scripts: Script) -> None:
        self._after_poll += scripts

    def before_job(self, *scripts: Script) -> None:
        self._before_job += scripts

    def after_job(self, *scripts: Script) -> None:
        self._after_job += scripts

    async def _call_thread(self, job: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        polls = job.__name__ == "_fetch_records"
        await _play([] if polls else self._before_job)
        result = await job(*args, **kwargs)
        await _play(self._after_poll if polls else self._after_job)
        return result

    @property
    def ledger(self) -> Ledger:
        return self.intake.ledger

    async def join(self, *tps: TP) -> None:
        """The first assignment: nothing was stopped before it."""
        self.tps = set(tps)
        await self.assign()
        await self.recover()

    async def revoke(self) -> None:
        """Begin a rebalance: revoke the partitions."""
        self.kafka._subscription.begin_reassignment()
        await self.consumer.on_partitions_revoked(self.tps)

    async def _revoked(self, revoked: set[TP]) -> None:
        self.consumer.stop_flow()
        self.consumer.pause_partitions(self.tps)
        await self.commit()
        self.intake.revoke(Partition(*tp) for tp in revoked)

    async def commit(self) -> None:
        for tp in self.consumer._filter_tps_with_pending_acks():
            offset = self.consumer._new_offset(tp)
            if offset is not None and self.consumer._should_commit(tp, offset):
                self.kafka.offsets[tp] = self.consumer._committed_offset[tp] = offset
                if isinstance(offset, ReadOffset) and offset.source.topic_id is not None:
                    self.kafka.committed_ids[tp] = offset.source.topic_id

    async def assign(self, *, generation: int = 1) -> None:
        self.kafka.assign(self.tps)
        self.app.consumer_generation_id += generation
        await self.consumer.on_partitions_assigned(self.tps, self.app.consumer_generation_id)

    async def _assigned(self, assigned: set[TP], generation: int) -> None:
        self.consumer.pause_partitions(assigned)

    async def recover(self) -> None:
        """End a rebalance as Faust does."""
        self.consumer.resume_partitions(self.tps)
        if self.tps:
            await self.consumer.perform_seek()
        self.consumer.resume_flow()

    async def rebalance(self, *, generation: int = 1) -> None:
        await self.revoke()
        await self.assign(generation=generation)
        await self.recover()

    async def finish_rebalance(self) -> None:
        """The rest of what ``revoke`` began."""
        await self.assign()
        await self.recover()

    async def _taken(self, message: Message) -> None:
        self.given.append(message)

    async def turn(self, times: int = 1, *, at_each: Script | None = None) -> None:
        """Have the consumer poll, and take what it hands over; ``at_each`` is played while each is being taken."""
        for _ in range(times):
            async for _, message in self.consumer.getmany(0.0):
                await self._taken(message)
                if at_each is not None:
                    await at_each()

    @property
    def fetches(self) -> list[Fetch]:
        return [cast(Fetch, message.value) for message in self.given if message.topic == "texts"]

    def offsets(self, tp: TP = TEXTS) -> list[int]:
        """Offsets of what was handed over of a partition, in order."""
        if tp.topic != "texts":
            return [message.offset for message in self.given if message.tp == tp]
        return [one.offset for fetch in self.fetches if fetch.partition == tp.partition for one in fetch.records]

    def acknowledge(self, fetch: Fetch) -> None:
        self.acknowledged.add(fetch)
        for completed in self.ledger.complete(fetch, range(len(fetch))):
            self.ledger.acknowledge(completed)


async def _play(scripts: list[Script]) -> None:
    while scripts:
        await scripts.pop(0)()

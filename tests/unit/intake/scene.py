"""Intake without a broker: Faust's and our own consumer and thread, and aiokafka's own state of what is assigned.

Only what would talk to a broker is replaced, and the thread's loop is the test's. What happens elsewhere while the
thread works is scripted: ``scene.kafka.while_waiting(...)`` while a poll waits for records, ``scene.after_poll(...)``
when it has returned in the thread and the consumer does not know yet, ``scene.before_job(...)`` and
``scene.after_job(...)`` around the next other thing that the consumer asks of the thread.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import faust
from faust.types import TP, Message
from unit.intake.kafka_of_lists import Kafka, Script, play

from worker.delivery.group_session import GroupSession
from worker.delivery.ledger import Ledger, Partition
from worker.fetch import Fetch
from worker.intake.consumer import FetchConsumer, FetchTransport
from worker.intake.coordinator import ReadOffset
from worker.intake.offset_reset import Policy, Reset
from worker.observability.event import InternalEvent
from worker.observability.telemetry import Telemetry

TEXTS, MORE_TEXTS, ORDERS = TP("texts", 0), TP("texts", 1), TP("orders", 0)


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
        await play([] if polls else self._before_job)
        result = await job(*args, **kwargs)
        await play(self._after_poll if polls else self._after_job)
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
                await self.consumer.callback(message)
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

"""aiokafka's consumer over partitions that are lists."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.types import TP

from worker.intake.lookup import LookUp, Whereabouts
from worker.intake.offset_reset import Bookmark, Log
from worker.intake.stretches import note
from worker.intake.topic_ids import TopicId

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
        await play(self._waiting)
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
        await play(self._looking_up)
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


async def play(scripts: list[Script]) -> None:
    while scripts:
        await scripts.pop(0)()

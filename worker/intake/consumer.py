"""Faust's consumer, changed in four answers so that it hands over whole fetches.

Faust spends 60 to 140 microseconds on each message it delivers. Here a message is all that one poll returned of one
partition, so that this is spent once per hundreds of records; every other topic (a user's own agents, tables,
changelogs) keeps getting single messages.

What is used or overridden here without being public stands in ``worker/intake/internals.py``.
"""

import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, cast

import faust.transport.drivers.aiokafka as driver
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from faust.exceptions import ConsumerNotStarted
from faust.types import TP, Message
from mode import Service

from worker.delivery.ledger import Partition
from worker.errors import BrokerError, Rejection
from worker.fetch import Fetch
from worker.intake.coordinator import ReadOffset
from worker.intake.ending import EndingConsumer
from worker.intake.open_transactions import OpenTransactions
from worker.intake.places import Places
from worker.intake.thread import FetchConsumerThread, Poll
from worker.intake.unreadable import UnreadableLog, UnreadableRecord
from worker.intake.worker_side import Intake

#: Seconds between looks at whether a group that gave our partitions to others has taken us in again.
NO_MEMBER_SECONDS = 0.1
#: Between two looks at whether the group still takes us.
GROUP_CHECK_SECONDS = 1.0
#: Between two polls, where the first had records that could not be taken yet.
WAIT_SECONDS = 0.05
#: Between two look-ups of places.
FIND_AGAIN_SECONDS = 0.5


class FetchConsumer(EndingConsumer):
    """Yields a ``Fetch`` as the value of one message for intake topics, and single messages for all others."""

    _thread: FetchConsumerThread
    _positioned: Any = None
    """The assignment whose partitions ``perform_seek`` has sent to where they start."""

    _find_again_at = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = Places(
            self._thread,
            self._intake,
            starts_at_the_end=self.app.conf.consumer_auto_offset_reset == "latest",
            forget=self._forget,
        )

    @property
    def located(self) -> bool:
        """Whether each assigned input partition has its place: from ``latest`` on, what is written later is read."""
        return self._thread.current_assignment() is not None and not self.places.unknown()

    def _new_consumer_thread(self) -> FetchConsumerThread:
        return FetchConsumerThread(
            self,
            isolation_level=self._intake.isolation_level,
            session=self._intake.session,
            inputs=self._intake.topics,
            loop=self.loop,
            beacon=self.beacon,
        )

    def _forget(self, tp: TP) -> None:
        self._read_offset[tp] = None  # else Faust drops what it takes for read
        self._committed_offset[tp] = None  # else it commits nothing below

    def on_fenced(self, name: str) -> None:
        """Stop: another member of the group has our name. Called in the consumer's thread."""
        group = self.app.conf.id
        error = BrokerError(
            f"another worker has joined the group {group!r} as group_instance_id {name!r} and has our partitions now: "
            "give each worker a name of its own"
        )
        self.app.loop.call_soon_threadsafe(self._intake.fail, error)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        if self._positioned is not None and not self._intake.session.is_member:
            await self.sleep(NO_MEMBER_SECONDS)
            return
        try:
            await self._find_places()
            polled, active = await self._wait_next_records(timeout)
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            self._intake.fail(error)
            return
        if self.should_stop or not isinstance(polled, Poll):  # nothing was assigned to be asked for
            return
        inputs = self._intake.topics
        self.places.doubt(polled.astray)
        # Before the first assignment, and while tables recover, Faust keeps the flow going although it has yet to seek.
        known = {tp for tp in polled.next_offsets if self.places.is_known(tp)}
        if self._is_current(polled):
            self._pass_over(polled, known)
        left: dict[TP, list[Any]] = dict(polled)
        for tp, records in polled.items():
            if (tp.topic in inputs and tp not in known) or not self._is_wanted(tp, active):
                continue
            if not self._is_current(polled):
                break
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if tp.topic in inputs:
                # No await before the yield: a fetch that is opened is handed over, else it would never be settled.
                del left[tp]
                yield tp, self._fetch_message(tp, self._open(tp, polled))
                continue
            for index, record in enumerate(records):
                if not self._is_current(polled):
                    left[tp] = records[index:]
                    break
                if isinstance(record, UnreadableRecord):
                    self._log_unreadable([record], "is skipped")
                    continue
                yield tp, self._to_message(tp, record)
            else:
                del left[tp]
        if left:
            await self._thread.give_back(polled, left)
        if left or polled.astray:
            await self.sleep(WAIT_SECONDS)  # not to ask for the same at once

    async def _find_places(self) -> None:
        """Look up where those partitions are read from of which that is unknown or doubted, once Faust has sought."""
        if not self.flow_active or self._positioned is not self._thread.current_assignment() is not None:
            return
        if (unknown := self.places.unknown()) and time.monotonic() >= self._find_again_at:
            await self.places.find(unknown)
            self._find_again_at = time.monotonic() + FIND_AGAIN_SECONDS

    def _is_wanted(self, tp: TP, active: set[TP] | None) -> bool:
        return active is None or tp in active or tp in self._buffered_partitions

    def _is_current(self, polled: Poll) -> bool:
        """Whether no rebalance, move or stop has begun since the poll, and the partitions were not given to others."""
        return (
            self.flow_active
            and self._intake.session.is_member
            and self._thread.current_assignment() is polled.assignment
            and self._thread.moves == polled.moves
        )

    def _pass_over(self, polled: Poll, known: Iterable[TP]) -> None:
        """Where a partition is read on without a record: past what was aborted, compacted or a marker."""
        for tp in known:
            if tp not in polled:
                self._intake.ledger.pass_over(Partition(*tp), polled.next_offsets[tp])

    def _open(self, tp: TP, polled: Poll) -> Fetch:
        ledger, partition, records = self._intake.ledger, Partition(*tp), polled[tp]
        if records[0].offset < ledger.next_offset(partition):  # rewound, by a seek
            self._intake.revoke([partition])
            self._read_offset[tp] = None  # else Faust drops what it takes for read
        unreadable: dict[int, Rejection] = {}
        if UnreadableRecord in map(type, records):
            found = {slot: record for slot, record in enumerate(records) if isinstance(record, UnreadableRecord)}
            unreadable = {slot: record.rejection for slot, record in found.items()}
            self._log_unreadable([*found.values()], "becomes a dead letter")
        fetch = Fetch(tp.topic, tp.partition, records, polled.next_offsets[tp], time.monotonic(), unreadable)
        ledger.open(fetch)
        return fetch

    @cached_property
    def _unreadable_log(self) -> UnreadableLog:
        return UnreadableLog()

    def _log_unreadable(self, records: Sequence[UnreadableRecord], outcome: str) -> None:
        if sentence := self._unreadable_log.count(records, outcome, time.monotonic()):
            self.log.warning("%s", sentence)

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
        """Go to the committed offsets, or to where ``start_from`` and ``on_offset_reset`` say.

        Faust calls it after each rebalance, before it lets the records flow. What is not found then is looked for
        between polls.
        """
        assignment = self._thread.current_assignment()
        try:
            await super().perform_seek()
            ours = [tp for tp in self.assignment() if tp.topic in self._intake.topics]
            if ours:
                await self.places.find(ours)
        finally:
            if self._thread.current_assignment() is assignment:
                self._positioned = assignment

    @Service.task
    async def _watch_the_group(self) -> None:
        """Tell of what shuts us out of the group: aiokafka keeps it until it is asked, which Faust never does."""
        while not self.should_stop:
            error = self._thread.group_error()
            if error is not None:
                self._intake.fail(error)
                return
            await self.sleep(GROUP_CHECK_SECONDS)

    @Service.task
    async def _watch_topics(self) -> None:
        """Notice topics that are gone or were made anew, and transactions that are left open."""
        open_transactions = OpenTransactions()
        async for _ in self.itertimer(self._intake.metadata_max_age, name="topics"):
            try:
                self.places.compare(await self._thread.topic_ids(self._intake.topics))
            except (KafkaError, ConsumerNotStarted):
                continue  # whoever fetches says so
            begun, ended = open_transactions.look(self._thread.ends())
            for partition in begun:
                behind = open_transactions.stalled[partition]
                self.log.warning("%s[%d] stands still: %d offsets wait behind an open transaction", *partition, behind)
            for partition in ended:
                self.log.warning("%s[%d] goes on: the transaction has ended", *partition)
            self._intake.note_stalled(open_transactions.stalled)

    def resume_flow(self) -> None:
        """Records come again: from now on they must be taken again, too."""
        self._intake.resume()
        super().resume_flow()

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for partition in self._intake.ledger.partitions():
            tp = TP(*partition)
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self._intake.topics:
            # A broker takes the offsets of a client that is no member at all, as long as nobody else is one.
            if not self._intake.session.is_member:
                return None
            offset, source = self._intake.ledger.committable(Partition(*tp)), self.places.source(tp)
            return None if offset is None or source is None else ReadOffset(offset, source)
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

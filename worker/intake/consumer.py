"""Faust's consumer, changed to hand over whole fetches and to read each partition from its proper position.

Faust spends 60 to 140 microseconds on each message it delivers. Here a message is everything that one poll returned
for one partition, so this is spent once per hundreds of records; all other topics (a user's own agents, tables,
changelogs) keep getting single messages.

``worker/intake/internals.py`` lists the private names that are used or overridden here.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, cast

import faust.transport.drivers.aiokafka as driver
from aiokafka.errors import KafkaError
from faust.types import TP, Message

from worker.delivery.ledger import Partition
from worker.errors import BrokerError, Code, Rejection, SettingError
from worker.fetch import Fetch
from worker.group_refusals import WRONG_SETTINGS, code_of_refusal, group_refusal
from worker.intake.broker_errors import is_fatal
from worker.intake.coordinator import ReadOffset
from worker.intake.places import Places
from worker.intake.thread import FetchConsumerThread, Poll
from worker.intake.unreadable import UnreadableRecord, unreadable_records_found
from worker.intake.watches import WatchingConsumer
from worker.intake.worker_side import Intake
from worker.observability.events import PollFailed

#: Seconds between checks whether a group that reassigned our partitions has accepted us again.
NO_MEMBER_SECONDS = 0.1
#: Seconds between two polls, if the first had records that could not be accepted yet.
WAIT_SECONDS = 0.05
#: Seconds between two lookups of places.
FIND_AGAIN_SECONDS = 0.5
#: Seconds for which partitions with known places wait for the brokers of others.
FIND_PATIENCE_SECONDS = 0.2


class FetchConsumer(WatchingConsumer):
    """Yields a ``Fetch`` as the value of one message for intake topics, and single messages for all others."""

    _positioned: Any = None
    """The assignment whose partitions ``perform_seek`` has positioned."""

    _find_again_at = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deliver, self.callback = self.callback, self._deliver_and_note
        self._delivered: Message | None = None
        self.places = Places(
            self._thread,
            self._intake,
            starts_at_the_end=self.app.conf.consumer_auto_offset_reset == "latest",
            note_committed=self._note_committed,
            call_soon=self._call_soon,
        )

    @property
    def positions_known(self) -> bool:
        """Whether each assigned input partition has its place: from then on, even ``latest`` misses no new record."""
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

    def _note_committed(self, tp: TP, offset: int | None) -> None:
        self._read_offset[tp] = None  # otherwise Faust drops records that it considers read
        self._committed_offset[tp] = offset  # Faust commits only higher offsets

    def _call_soon(self, function: Callable[..., object], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self.app.loop.call_soon_threadsafe(function, *arguments)

    def on_fenced(self, name: str) -> None:
        """Stop, since another member of the group has our name. Called in the consumer's thread."""
        group = self.app.conf.id
        error = BrokerError(
            Code.GROUP_INSTANCE_ID_TAKEN,
            f"another worker has joined the group {group!r} as group_instance_id {name!r} and has our partitions now: "
            "give each worker a name of its own",
        )
        self._call_soon(self._intake.fail, error)

    def on_refused(self, request: str, code: int) -> None:
        """Stop, since the group's coordinator refuses a request for good. Called in the consumer's thread."""
        conf = self.app.conf
        sentence = group_refusal(
            request,
            code,
            group=conf.id,
            session_timeout=conf.broker_session_timeout,
            name=conf.consumer_group_instance_id,
        )
        kind = SettingError if code in WRONG_SETTINGS else BrokerError
        self._call_soon(self._intake.fail, kind(code_of_refusal(code), sentence))

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        if self._positioned is not None and not self._intake.session.is_member:
            await self.sleep(NO_MEMBER_SECONDS)
            return
        try:
            await self._find_places()
            polled, active = await self._wait_next_records(timeout)
        except KafkaError as error:
            if is_fatal(error):
                self.places.fail(error)
            else:
                trouble = f"polling fails, and is tried again: {error}"
                self._intake.emit(PollFailed(trouble, is_news=self.places.note_trouble(trouble)))
            await self.sleep(FIND_AGAIN_SECONDS)
            return
        self.places.trouble = None
        if self.should_stop or not isinstance(polled, Poll):  # no partitions are assigned
            return
        inputs = self._intake.topics
        self.places.doubt(polled.astray)
        if self._is_current(polled):
            self._pass_over(polled)
        left = {tp: records[0].offset for tp, records in polled.items() if tp.topic not in inputs}
        for tp, records in polled.items():
            if not self._is_wanted(tp, active):
                continue
            if not self._is_current(polled):
                break
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if tp.topic in inputs:
                # No await before the yield: a fetch that is opened must be handed over, else it would never complete.
                if self.places.accept(tp, polled.stretches[tp]):
                    message = self._fetch_message(tp, self._open(tp, polled))
                    yield tp, message
                    if self._delivered is not message and not self.should_stop and self._is_current(polled):
                        self._read_again(tp)
                continue
            for record in records:
                if not self._is_current(polled):
                    left[tp] = record.offset
                    break
                if isinstance(record, UnreadableRecord):
                    self._intake.emit(unreadable_records_found([record], "is skipped"))
                    continue
                yield tp, self._to_message(tp, record)
            else:
                del left[tp]
        left |= self.places.not_accepted(polled.next_offsets, polled.stretches)
        if left:
            await self._thread.rewind(polled, left)
        if left or polled.astray:
            await self.sleep(WAIT_SECONDS)  # so as not to poll for the same records at once

    async def _deliver_and_note(self, message: Message) -> None:
        await self._deliver(message)
        self._delivered = message

    def _read_again(self, tp: TP) -> None:
        # Faust has cancelled a delivery, and nothing that follows revokes the fetch: it would never be answered.
        self.places.forget(tp)
        self._intake.revoke([Partition(*tp)])

    async def _find_places(self) -> None:
        """Look up the places that are unknown or in doubt, once Faust has called ``perform_seek``."""
        assignment = self._thread.current_assignment()
        if not self.flow_active or assignment is None or self._positioned is not assignment:
            return
        unknown = self.places.unknown()
        if not unknown or time.monotonic() < self._find_again_at:
            return
        if await self.places.find(unknown, FIND_PATIENCE_SECONDS):
            self._find_again_at = time.monotonic() + FIND_AGAIN_SECONDS

    def _is_wanted(self, tp: TP, active: set[TP] | None) -> bool:
        return active is None or tp in active or tp in self._buffered_partitions

    def _is_current(self, polled: Poll) -> bool:
        """Return whether no rebalance, move, stop or loss of the partitions has begun since the poll."""
        return (
            self.flow_active
            and self._intake.session.is_member
            and self._thread.current_assignment() is polled.assignment
            and self._thread.moves == polled.moves
        )

    def _pass_over(self, polled: Poll) -> None:
        """Advance partitions that were read on without a record: past aborted, compacted or control records."""
        for tp, stretch in polled.stretches.items():
            if tp not in polled and self.places.accept(tp, stretch):
                self._intake.ledger.pass_over(Partition(*tp), stretch.stop)

    def _open(self, tp: TP, polled: Poll) -> Fetch:
        records = polled[tp]
        unreadable: dict[int, Rejection] = {}
        if UnreadableRecord in map(type, records):
            bad = {index: record for index, record in enumerate(records) if isinstance(record, UnreadableRecord)}
            unreadable = {index: record.rejection for index, record in bad.items()}
            self._intake.emit(unreadable_records_found([*bad.values()], "becomes a dead letter"))
        fetch = Fetch(tp.topic, tp.partition, records, polled.stretches[tp].stop, time.monotonic(), unreadable)
        self._intake.ledger.open(fetch)
        return fetch

    def _fetch_message(self, tp: TP, fetch: Fetch) -> Message:
        last = fetch.records[-1]
        return Message(
            tp.topic,
            tp.partition,
            last.offset,  # Faust records it as read
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
        """Seek to the committed offsets, or to where ``start_from`` and ``on_offset_reset`` say.

        Faust calls it after each rebalance, before it lets records flow. Places that are not found then are looked up
        between polls.
        """
        assignment = self._thread.current_assignment()
        tps = self.assignment()
        try:
            await self._seek_others([tp for tp in tps if tp.topic not in self._intake.topics])
            if ours := [tp for tp in tps if tp.topic in self._intake.topics]:
                self.places.stop_finding()
                await self.places.find(ours)
        finally:
            if self._thread.current_assignment() is assignment:
                self._positioned = assignment

    async def _seek_others(self, tps: Sequence[TP]) -> None:
        """Seek to where Faust would seek: its own method would also seek the inputs."""
        if not tps:
            return
        for tp, offset in (await self._thread.seek_to_committed_of(tps)).items():
            self._read_offset[tp] = offset
            if offset is not None:
                self._committed_offset[tp] = offset or None

    async def on_stop(self) -> None:
        self.places.stop_finding()
        await super().on_stop()

    def resume_flow(self) -> None:
        """Let the worker accept fetches again, before records flow again."""
        self._intake.resume()
        super().resume_flow()

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for partition in self._intake.ledger.partitions():
            tp = TP(*partition)
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _should_commit(self, tp: TP, offset: int) -> bool:
        known = self._committed_offset[tp]
        if isinstance(offset, ReadOffset) and isinstance(known, ReadOffset) and offset.source is not known.source:
            return True  # Faust also considers an offset committed that was left out because its place was in doubt
        return bool(super()._should_commit(tp, offset))

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self._intake.topics:
            # A broker accepts offsets from a client that is not a member as long as the group has no members.
            if not self._intake.session.is_member:
                return None
            offset, source = self._intake.ledger.committable(Partition(*tp)), self.places.source(tp)
            return None if offset is None or source is None else ReadOffset(offset, source)
        return super()._new_offset(tp)

    # Faust stops polling a partition whose buffer is full, and sleeps for a second once none is left. For fetches the
    # full buffer itself is enough: it blocks getmany until the pipeline has room.

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

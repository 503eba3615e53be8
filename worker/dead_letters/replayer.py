"""Replays dead letters: each event is written, and the place behind it committed, in one Kafka transaction.

So a replay that was interrupted, wherever that was, goes on where it was, and an event is replayed once. The
transactions' id is the name of the replay's group: who starts the same replay again stops the first one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    ProducerFenced,
    RecordListTooLargeError,
)
from aiokafka.partitioner import DefaultPartitioner

from worker.connection import client_options
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.mending import mended, with_text_moved
from worker.dead_letters.replaying import Event, Skipped, replayed
from worker.dead_letters.selection import Selection
from worker.diagnosis import explaining
from worker.errors import BrokerError, Code
from worker.pointer import Pointer
from worker.reading import Place, Reader, Span, find_spans
from worker.reading.topic import partitions_of, reading
from worker.settings import Settings

TRANSACTION_EVENTS = 500
"""Dead letters that are read for one transaction."""
BATCH_BYTES = 500_000
MAX_REQUEST_BYTES = 2**26
_REFUSED = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidTimestampError, PolicyViolationError)


@dataclass(frozen=True, slots=True)
class Order:
    """Which dead letters to replay, where to, and how."""

    selection: Selection = field(default_factory=Selection)
    start: Place = field(default_factory=lambda: Place("earliest"))
    stop: Place = field(default_factory=lambda: Place("latest"))
    to: str | None = None
    """The topic to write to; None for the one that each event was read from."""
    max_attempts: int = 3
    through: str | None = None
    """The command line of a program that changes events, see ``mending``."""
    text_at: str | None = None
    """A JSON Pointer to the text, which is moved to where ``text_path`` says."""
    rate: float | None = None
    """The most events a second."""

    def group(self, settings: Settings) -> str:
        """Return the group that remembers how far this replay is: the same order goes on, another begins."""
        chosen = self.selection
        names = (chosen.reasons, chosen.topics, chosen.partitions, chosen.keys)
        parts = [settings.dead_letter_topic, self.start.text, self.to, self.through, str(self.max_attempts)]
        parts += [] if self.text_at is None else [self.text_at, settings.text_path]
        parts += [repr(sorted(map(repr, some))) for some in names]
        return f"{settings.group_id}.replay.{sha256(repr(parts).encode()).hexdigest()[:12]}"


@dataclass(slots=True)
class Counts:
    """How a replay went."""

    read: int = 0
    replayed: int = 0
    skipped: Counter[Skipped] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Batch:
    """Dead letters that are replayed in one transaction, and where their partitions are read on."""

    outcomes: Sequence[tuple[DeadLetter, Event | Skipped]]
    offsets: Mapping[TopicPartition, int]


class Replayer:
    """Carries an order out.

    Args:
        settings: where, and where texts belong.
        order: what to replay.
        counts: what is counted as it is done.
        progress: told of the offsets passed and of their number.
        restart: begin anew where the same order was carried out before, in whole or in part.
        dry_run: write and commit nothing.
    """

    def __init__(
        self,
        settings: Settings,
        order: Order,
        counts: Counts,
        progress: Callable[[int, int], None],
        *,
        restart: bool = False,
        dry_run: bool = False,
    ) -> None:
        self._settings = settings
        self._order = order
        self._counts = counts
        self._progress = progress
        self._restart = restart
        self._dry_run = dry_run
        self._group = order.group(settings)
        self._producer: AIOKafkaProducer | None = None
        self._partitioner = DefaultPartitioner()
        self._began = 0.0
        self._text_at = None if order.text_at is None else Pointer.parse(order.text_at)
        self._text_path = Pointer.parse(settings.text_path)
        self.resumed_from = 0
        """Dead letters that an earlier run of the same replay has passed."""

    async def run(self) -> None:
        """Replay all dead letters of the order.

        Raises:
            BrokerError: Kafka cannot be reached or refuses us, or the same replay was started elsewhere.
            SettingError: the filter failed.
        """
        topic = self._settings.dead_letter_topic
        try:
            async with explaining(self._settings, "Write"), reading(self._settings, topic, self._group) as consumer:
                if not self._dry_run:
                    await (
                        self._new_producer()
                    )  # before the committed offsets are read: ends what an earlier run left open
                partitions = await partitions_of(consumer, topic)
                spans = await find_spans(consumer, partitions, self._order.start, self._order.stop)
                if not self._restart:
                    consumer.assign(partitions)
                    spans = {at: self._rest(span, await consumer.committed(at)) for at, span in spans.items()}
                reader = Reader(consumer, spans)
                await self._replay(reader)
        finally:
            await self._close_producer()

    def _rest(self, span: Span, committed: int | None) -> Span:
        if committed is None or committed <= span.start or span.stop is None:
            return span
        start = min(committed, span.stop)
        self.resumed_from += start - span.start
        return Span(start, span.stop)

    async def _replay(self, reader: Reader) -> None:
        self._began = time.monotonic()
        size = (
            TRANSACTION_EVENTS if self._order.rate is None else max(1, min(TRANSACTION_EVENTS, int(self._order.rate)))
        )
        self._progress(0, reader.total)
        async for batch in reader.batches(size):
            letters = [DeadLetter.of(record) for records in batch.values() for record in records]
            outcomes = await self._decide(letters)
            offsets = {at: reader.positions[at] for at in batch}
            await self._carry_out(Batch(outcomes, offsets))
            self._progress(reader.passed, reader.total)
        self._progress(reader.total, reader.total)

    async def _decide(self, letters: Sequence[DeadLetter]) -> list[tuple[DeadLetter, Event | Skipped]]:
        order = self._order
        outcomes: list[Event | Skipped] = [
            replayed(letter, to=order.to, max_attempts=order.max_attempts)
            if letter in order.selection
            else Skipped.NOT_SELECTED
            for letter in letters
        ]
        if order.through is not None:
            rows = [row for row, outcome in enumerate(outcomes) if isinstance(outcome, Event)]
            events = [outcome for outcome in outcomes if isinstance(outcome, Event)]
            for row, outcome in zip(
                rows, await mended(order.through, [letters[row] for row in rows], events), strict=True
            ):
                outcomes[row] = outcome
        if self._text_at is not None:
            outcomes = [
                with_text_moved(outcome, self._text_at, self._text_path) if isinstance(outcome, Event) else outcome
                for outcome in outcomes
            ]
        return [*zip(letters, outcomes, strict=True)]

    async def _carry_out(self, batch: Batch) -> None:
        """Write a batch; of one that the topic refuses, all that it takes."""
        if not self._dry_run:
            try:
                await self._write(batch)
            except _REFUSED:
                await self._new_producer()  # which ends the transaction, too
                if len(batch.outcomes) > 1:
                    for half in halves(batch):
                        await self._carry_out(half)
                    return
                batch = Batch([(letter, Skipped.REFUSED) for letter, _ in batch.outcomes], batch.offsets)
                await self._write(batch)
        for _, outcome in batch.outcomes:
            self._counts.read += 1
            if isinstance(outcome, Event):
                self._counts.replayed += 1
            else:
                self._counts.skipped[outcome] += 1
        if self._order.rate is not None and not self._dry_run:
            due = self._began + self._counts.replayed / self._order.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _write(self, batch: Batch) -> None:
        producer = self._producer
        assert producer is not None
        try:
            async with producer.transaction():
                by_partition = await self._by_partition(producer, batch)
                deliveries = [
                    await producer.send_batch(records, topic, partition=partition)
                    for (topic, partition), events in by_partition.items()
                    for records in _batches(producer, events)
                ]
                await producer.send_offsets_to_transaction(dict(batch.offsets), self._group)
                await asyncio.gather(*deliveries)
        except ProducerFenced as error:
            raise BrokerError(
                Code.REPLAY_RUNS_ELSEWHERE,
                "the same replay was started elsewhere and goes on there, or a transaction took too long: start it "
                "again if no other runs",
            ) from error

    async def _by_partition(self, producer: AIOKafkaProducer, batch: Batch) -> dict[tuple[str, int], list[Event]]:
        """Return the events of a batch by topic and partition: the one that each was read from, else one by its key."""
        found: dict[tuple[str, int], list[Event]] = {}
        for _, event in batch.outcomes:
            if not isinstance(event, Event):
                continue
            numbers = sorted(await producer.partitions_for(event.topic))
            partition = event.partition
            if partition is None or partition not in numbers:
                partition = self._partitioner(event.key, numbers, numbers)
            found.setdefault((event.topic, partition), []).append(event)
        return found

    async def _new_producer(self) -> None:
        await self._close_producer()
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            transactional_id=self._group,
            acks="all",
            compression_type=None if (codec := self._settings.compression) == "none" else codec,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
        )
        await self._producer.start()

    async def _close_producer(self) -> None:
        if self._producer is not None:
            with suppress(KafkaError):
                await self._producer.stop()
            self._producer = None


def _batches(producer: AIOKafkaProducer, events: Sequence[Event]) -> Iterator[Any]:
    """Yield events as batches; aiokafka's ``send`` does not take one that has neither key nor value."""
    builder = producer.create_batch()
    for event in events:
        record = {"timestamp": None, "key": event.key, "value": event.value, "headers": [*event.headers]}
        if builder.append(**record) is None:
            yield builder
            builder = producer.create_batch()
            builder.append(**record)
    yield builder


def halves(batch: Batch) -> list[Batch]:
    """Split a batch; the first half commits nothing behind what it holds."""
    middle = len(batch.outcomes) // 2
    first, second = batch.outcomes[:middle], batch.outcomes[middle:]
    behind: dict[TopicPartition, int] = {}
    topic = next(iter(batch.offsets)).topic
    for letter, _ in first:
        behind[TopicPartition(topic, letter.partition)] = letter.offset + 1
    held = {TopicPartition(topic, letter.partition) for letter, _ in second}
    done = {at: offset for at, offset in batch.offsets.items() if at not in held}
    return [Batch(first, behind | done), Batch(second, {at: batch.offsets[at] for at in held})]

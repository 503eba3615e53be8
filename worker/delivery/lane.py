"""One output partition: records leave in order, batch by batch, each acknowledged before the next is sent.

Waiting for the acknowledgement keeps the order whatever happens to a batch, and while one travels the next one grows:
a batch holds what came in the meantime, up to the producer's ``max_batch_size``.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    BrokerResponseError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    kafka_errors,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from worker.delivery.ledger import Release
from worker.errors import BrokerError
from worker.fetch import Headers


class InvalidRecordError(BrokerResponseError):  # type: ignore[misc]
    """The broker's error 87, which aiokafka 0.14 does not know: a record without a key for a compacted topic, say."""

    errno = 87
    message = "INVALID_RECORD"


kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)

#: What a broker says of records, not of itself: the rest of the batch may still be good.
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
REFUSALS = (*TOO_LARGE, InvalidTimestampError, InvalidRecordError)


@dataclass(slots=True)
class Parcel:
    """A release on its way: delivered once every record of it is acknowledged, as an output or as a dead letter."""

    release: Release
    remaining: int
    """Records not acknowledged yet."""
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one parcel for one output partition, in slot order; the columns have the same length."""

    parcel: Parcel
    slots: Sequence[int]
    values: Sequence[bytes | None] = field(repr=False)
    headers: Sequence[Headers] = field(repr=False)
    timestamped: bool
    """Whether an output keeps its input's timestamp; without, the record gets the time of its writing."""


Span = tuple[Chunk, int, int]
"""Records ``start`` to ``stop`` (exclusive) of a chunk."""


class Lane:
    """Sends chunks to one partition.

    Args:
        wanted: asked before a parcel's records are sent; False drops them (the partition they came from went away).
        delivered: called with a parcel and how many of its records the broker has just acknowledged.
        refused: called with a chunk, an index in it and the broker's error, for a record that it does not take.
        failed: called with the error that ends the lane.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        target: TopicPartition,
        *,
        wanted: Callable[[Parcel], bool],
        delivered: Callable[[Parcel, int], None],
        refused: Callable[[Chunk, int, KafkaError], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._producer = producer
        self._target = target
        self._wanted = wanted
        self._delivered = delivered
        self._refused = refused
        self._failed = failed
        self._queue: deque[Chunk] = deque()
        self._cursor = 0
        self._batch_bytes: int | None = None
        self._task: asyncio.Task[None] | None = None

    def put(self, chunk: Chunk) -> None:
        """Queue a chunk behind those before it; never blocks: what is pending is bounded by the pipeline."""
        self._queue.append(chunk)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop sending; what is not acknowledged stays so."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._queue:
                builder, spans = self._fill()
                if spans:
                    await self._send(builder, spans)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._failed(_explained(error, self._target))

    def _fill(self) -> tuple[BatchBuilder, list[Span]]:
        """A batch of the next records, as many as fit, and which these are."""
        builder = self._producer.create_batch()
        spans: list[Span] = []
        while self._queue:
            chunk = self._queue[0]
            if not self._wanted(chunk.parcel):
                self._queue.popleft()
                self._cursor = 0
                continue
            stop = _append(builder, chunk, self._cursor, len(chunk.slots), self._batch_bytes)
            if stop > self._cursor:
                spans.append((chunk, self._cursor, stop))
            if stop < len(chunk.slots):
                self._cursor = stop
                break
            self._queue.popleft()
            self._cursor = 0
        return builder, spans

    async def _send(self, builder: BatchBuilder, spans: list[Span]) -> None:
        """Send a batch and wait for its acknowledgement; one that is refused is halved until the record is found."""
        size = builder.size()
        try:
            await (await self._producer.send_batch(builder, self._target.topic, partition=self._target.partition))
        except REFUSALS as error:
            count = sum(stop - start for _, start, stop in spans)
            _take_back_sequence_numbers(self._producer, self._target, count)
            if count == 1:
                self._refused(spans[0][0], spans[0][1], error)
                return
            if isinstance(error, TOO_LARGE):
                self._batch_bytes = max(size // 2, 1)
            for half in _halves(spans, count // 2):
                await self._send(self._rebuild(half), half)
        else:
            for chunk, start, stop in spans:
                self._delivered(chunk.parcel, stop - start)

    def _rebuild(self, spans: list[Span]) -> BatchBuilder:
        builder = self._producer.create_batch()
        for chunk, start, stop in spans:
            _append(builder, chunk, start, stop)
        return builder


def _append(builder: BatchBuilder, chunk: Chunk, start: int, stop: int, batch_bytes: int | None = None) -> int:
    """Append records of a chunk until the batch is full or holds ``batch_bytes``; returns where it stopped."""
    records, append = chunk.parcel.release.fetch.records, builder.append
    slots, values, headers = chunk.slots, chunk.values, chunk.headers
    for index in range(start, stop):
        if batch_bytes is not None and builder.record_count() and builder.size() > batch_bytes:
            return index
        record = records[slots[index]]
        timestamp = record.timestamp if chunk.timestamped and record.timestamp >= 0 else None
        if append(timestamp=timestamp, key=record.key, value=values[index], headers=[*headers[index]]) is None:
            return index
    return stop


def _take_back_sequence_numbers(producer: AIOKafkaProducer, target: TopicPartition, count: int) -> None:
    """Let an idempotent producer go on after a refused batch.

    aiokafka numbers a batch's records when it sends them and leaves the gap when the broker refuses them, so that the
    broker would refuse everything after it as out of order. With one batch under way at a time nothing else can have
    taken the numbers since. Reaches into aiokafka 0.14, which pyproject.toml pins for this.
    """
    producer._txn_manager.increment_sequence_number(target, -count)


def _halves(spans: list[Span], first: int) -> tuple[list[Span], list[Span]]:
    """Split spans in two: the first ``first`` records, and the rest."""
    left: list[Span] = []
    right: list[Span] = []
    for chunk, start, stop in spans:
        middle = min(stop, start + first)
        first -= middle - start
        if middle > start:
            left.append((chunk, start, middle))
        if stop > middle:
            right.append((chunk, middle, stop))
    return left, right


def _explained(error: BaseException, target: TopicPartition) -> BaseException:
    if isinstance(error, KafkaError):
        return BrokerError(
            f"publishing to {target.topic} failed: {type(error).__name__}: "
            "is the cluster up, and may this user write to the topic? Nothing unacknowledged was committed"
        )
    return error

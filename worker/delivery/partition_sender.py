"""One output partition: records leave in order, batch by batch, each acknowledged before the next is sent.

Waiting for the acknowledgement keeps the order whatever happens to a batch, and while one travels the next one grows:
a batch holds what came in the meantime, up to ``MAX_BATCH_BYTES``.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from worker.clock import Clock
from worker.delivery.batches import OutputSlice, Span, append, count, halves, part
from worker.delivery.numbering import Numbering
from worker.delivery.outcomes import (
    SUSPECT,
    SUSPECT_ATTEMPTS,
    TOO_LARGE,
    Outcome,
    WithdrawnError,
    backoff,
    explained,
    outcome,
)
from worker.delivery.produce_client import Refusal
from worker.delivery.retries import Retries
from worker.delivery.size_limit import SizeLimit
from worker.observability.event import Emit
from worker.observability.events import BatchNotWritten

#: Bytes of a batch before compression: below the broker's default message.max.bytes, with room for the batch's header.
MAX_BATCH_BYTES = 1_000_000
#: A batch that is made again takes the records that it had, whatever a later time of writing adds to their size.
_UNBOUNDED = 2**31 - 1


class Sink(Protocol):
    """The client that a sender sends through; ``ProduceClient`` is one."""

    @property
    def producer_id(self) -> int: ...
    async def new_producer_id(self) -> int: ...  # once, as a batch is sent once
    def builder(self, max_bytes: int) -> DefaultRecordBatchBuilder: ...
    async def produce(self, target: TopicPartition, batch: bytes, check: Callable[[], None]) -> Refusal | None: ...


@dataclass(frozen=True, slots=True)
class RefusedRecords:
    """The records of a batch that the broker refuses."""

    positions: Sequence[int]
    """Their indexes in the batch, ascending."""
    slices: Sequence[OutputSlice]
    """The records, in this order."""
    error: KafkaError
    """Why."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a batch: the broker has it, or refuses some of its records; the others are then sent again."""

    judged: int
    """Records of the batch; 0 where it is what was left of another, whose records were told already."""
    written: Sequence[Span] = ()
    """Records that the broker has."""
    refused: RefusedRecords | None = None


class PartitionSender:
    """Sends slices to one partition; of a delivery that is withdrawn it sends nothing more.

    Args:
        sink: where to.
        target: the partition.
        retries: what is said while nothing is written.
        clock: monotonic seconds.
        answered: told the result of each batch; what it raises ends the sender.
        failed: told the error that ends the sender.
        emit: told what happens.
    """

    def __init__(
        self,
        sink: Sink,
        target: TopicPartition,
        retries: Retries,
        clock: Clock,
        answered: Callable[[BatchResult], None],
        failed: Callable[[BaseException], None],
        emit: Emit,
    ) -> None:
        self._sink = sink
        self._target = target
        self._retries = retries
        self._clock = clock
        self._answered = answered
        self._failed = failed
        self._emit = emit
        self._queue: deque[OutputSlice] = deque()
        self._cursor = 0
        self._numbers: Numbering | None = Numbering(sink.producer_id)
        """None where a new producer id is needed before anything else is sent."""
        self._limit = SizeLimit()
        self._task: asyncio.Task[None] | None = None

    def put(self, outputs: OutputSlice) -> None:
        """Queue a slice behind those before it; never blocks: what is pending is bounded by the pipeline."""
        self._queue.append(outputs)
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
                    await self._deliver(builder, spans)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._failed(explained(error, self._target))

    def _fill(self) -> tuple[DefaultRecordBatchBuilder, list[Span]]:
        """Return a batch of the next records, as many as fit, and the spans that they come from."""
        now = self._clock()
        batch_bytes, alone_bytes = self._limit.batch_bytes(now), self._limit.alone_bytes(now)
        builder = self._sink.builder(MAX_BATCH_BYTES)
        spans: list[Span] = []
        position = 0
        while self._queue:
            outputs = self._queue[0]
            if outputs.pending.is_withdrawn:
                self._queue.popleft()
                self._cursor = 0
                continue
            start = self._cursor
            stop = append(builder, position, (outputs, start, len(outputs.indexes)), batch_bytes, alone_bytes)
            position += stop - start
            if stop > start:
                spans.append((outputs, start, stop))
            if stop < len(outputs.indexes):
                self._cursor = stop
                break
            self._queue.popleft()
            self._cursor = 0
        return builder, spans

    async def _deliver(self, builder: DefaultRecordBatchBuilder, spans: list[Span], *, is_rest: bool = False) -> None:
        """Send a batch; of one that is refused, what the broker takes, in order.

        Args:
            builder: the batch.
            spans: its records.
            is_rest: whether it is the rest of a batch whose refused records were told.
        """
        size = builder.size()
        spans, refusal = await self._send(builder, spans)
        records = count(spans)
        if refusal is None:
            if spans:
                self._answered(BatchResult(0 if is_rest else records, written=spans))
            return
        at_fault = refusal.records or ((0,) if records == 1 else ())
        if at_fault:
            slices, rest = part(spans, at_fault)
            self._answered(BatchResult(records, refused=RefusedRecords(at_fault, slices, refusal.error)))
            if rest:
                await self._deliver(self._rebuild(rest), rest, is_rest=True)
            return
        if isinstance(refusal.error, TOO_LARGE):
            self._limit.batch_refused(size, self._clock())
        for half in halves(spans):
            await self._deliver(self._rebuild(half), half, is_rest=is_rest)

    async def _send(self, builder: DefaultRecordBatchBuilder, spans: list[Span]) -> tuple[list[Span], Refusal | None]:
        """Send a batch until the broker has it, refuses it, or nobody wants it any more.

        Returns what was sent in the end, without what was no longer wanted, and why it is refused; None if it is not.
        """
        batch = b""
        failures = suspicions = 0
        while True:
            try:
                self._numbers = numbers = self._numbers or Numbering(await self._sink.new_producer_id())
                batch = batch or _stamped(builder, numbers)
                if not failures and (refusal := self._refused_by_size(batch, spans)):
                    return spans, refusal
                refusal = await self._sink.produce(self._target, batch, partial(_check, spans))
                break
            except WithdrawnError:
                what = Outcome.RETRY
            except Exception as error:
                what = outcome(error)
                if what is Outcome.FATAL:
                    raise
                failures += 1
                suspicions = suspicions + 1 if isinstance(error, SUSPECT) else 0
                if suspicions == SUSPECT_ATTEMPTS:
                    refusal = Refusal(error)
                    break
                await self._wait(error, failures)
            wanted = [span for span in spans if not span[0].pending.is_withdrawn]
            if what is Outcome.RENUMBER or len(wanted) < len(spans):
                self._renumber(unknown=what is Outcome.RENUMBER)
                spans = wanted
                if not spans:
                    refusal = None
                    break
                builder, batch = self._rebuild(spans), b""
        for event in self._retries.over(self._target.topic, self._target.partition) if failures else ():
            self._emit(event)
        if refusal is not None:
            if failures:  # an earlier attempt may still wait in the broker
                self._renumber()
            if isinstance(refusal.error, TOO_LARGE) and count(spans) == 1:
                self._limit.record_refused(len(batch), self._clock())
        elif self._numbers is not None:
            self._numbers = self._numbers.after(count(spans))
        return spans, refusal

    async def _wait(self, error: Exception, failures: int) -> None:
        topic, partition = self._target
        self._emit(BatchNotWritten(topic))
        if event := self._retries.failed(topic, partition, error, self._clock()):
            self._emit(event)
        await asyncio.sleep(backoff(failures))

    def _refused_by_size(self, batch: bytes, spans: list[Span]) -> Refusal | None:
        """Return the refusal of a single record, without asking, where the broker has just refused a smaller one."""
        known = self._limit.alone_bytes(self._clock())
        if known is None or len(batch) < known or count(spans) > 1:
            return None
        return Refusal(MessageSizeTooLargeError(), (0,))

    def _renumber(self, *, unknown: bool = False) -> None:
        """Continue under a new epoch, which voids our batches that still wait in the broker.

        Where the broker does not know even the first number of an epoch (``unknown``), or no epoch is left, take a new
        producer id.
        """
        if self._numbers is not None:
            self._numbers = None if unknown and self._numbers.next == 0 else self._numbers.next_epoch()

    def _rebuild(self, spans: list[Span]) -> DefaultRecordBatchBuilder:
        builder = self._sink.builder(_UNBOUNDED)
        position = 0
        for span in spans:
            _, start, stop = span
            append(builder, position, span)
            position += stop - start
        return builder


def _check(spans: Iterable[Span]) -> None:
    if any(outputs.pending.is_withdrawn for outputs, _, _ in spans):
        raise WithdrawnError()


def _stamped(builder: DefaultRecordBatchBuilder, numbers: Numbering) -> bytes:
    builder.set_producer_state(numbers.producer_id, numbers.epoch, numbers.next)
    return bytes(builder.build())

"""Aiokafka's own batches to a broker that follows a script, and a publisher that sends them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupLoadInProgressError,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from virtual_time import SkippedTime, run_with

from worker.delivery.answers import Acknowledgement, Answer, Outputs, RefusedOutput
from worker.delivery.ledger import CompletedRange
from worker.delivery.outcomes import REFUSALS
from worker.delivery.partition_sender import MAX_BATCH_BYTES
from worker.delivery.produce_client import Refusal
from worker.delivery.publisher import Publisher
from worker.errors import Reason, Rejection, Stage
from worker.fetch import Fetch
from worker.observability.metrics import Metrics
from worker.observability.telemetry import Telemetry
from worker.settings import load_settings

BAD = Rejection(Reason.NOT_JSON, Stage.DECODE, "is not JSON")
Verdict = Callable[[str, list[Any]], type[KafkaError] | None]
Trouble = tuple[KafkaError, bool] | None


@dataclass(frozen=True)
class StubRecord:
    offset: int
    key: bytes | None = b"k"
    value: bytes | None = b"in"
    timestamp: int = 1_000
    headers: tuple[tuple[str, bytes | None], ...] = (("h", None), ("h", b"2"))


class ScriptedBroker:
    """Takes batches as a broker does: each once, in sequence, unless ``refuses`` says why not.

    Args:
        refuses: the error for a batch of these records of a topic; None takes it.
        partitions: of the topic of outputs.
        batch_size: bytes of a batch.
        troubles: what happens to the first requests, one after the other: None lets a request through, an error is
            raised instead, and with ``True`` beside it, after the batch was written.
        names_records: whether a refusal tells the records that are at fault, as Kafka does since 2.4.
    """

    producer_id = 7

    def __init__(
        self, refuses: Verdict, partitions: int, batch_size: int, troubles: list[Trouble], names_records: bool
    ) -> None:
        self.counts = {"in": 1, "out": partitions, "dead": 1}
        self._refuses = refuses
        self._batch_size = batch_size
        self._troubles = troubles
        self._names_records = names_records
        self._states: dict[Any, tuple[int, int, int]] = {}
        self._last: dict[Any, tuple[int, int, int]] = {}
        self._ids = self.producer_id
        self.controller_away = False
        self.ids_asked_for = 0
        self.log: dict[tuple[str, int], list[Any]] = {}
        self.batches = 0
        self.identities: list[tuple[int, int, int]] = []
        self.requests: Counter[str] = Counter()

    def partitions(self, topic: str) -> int:
        return self.counts[topic]

    async def new_producer_id(self) -> int:
        self.ids_asked_for += 1
        if self.controller_away:
            raise GroupLoadInProgressError()
        self._ids += 1
        return self._ids

    def builder(self, max_bytes: int) -> DefaultRecordBatchBuilder:
        size = self._batch_size if max_bytes == MAX_BATCH_BYTES else max_bytes
        return DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, size)

    async def produce(self, target: Any, data: bytes, check: Callable[[], None]) -> Refusal | None:
        await asyncio.sleep(0)
        check()
        self.batches += 1
        self.requests[target.topic] += 1
        trouble = self._troubles.pop(0) if self._troubles else None
        error, written = trouble if trouble else (None, True)
        answer = self._take(target, data) if written else None
        if error is not None:
            raise error
        if isinstance(answer, KafkaError):
            raise answer
        return answer

    def _take(self, target: Any, data: bytes) -> Refusal | KafkaError | None:
        batch = MemoryRecords(data).next_batch()
        identity = (batch.producer_id, batch.producer_epoch, batch.base_sequence)
        records = [*batch]
        self.identities.append(identity)
        if self._last.get(target) == identity:
            return None
        producer, epoch, sequence = identity
        known = self._states.get(target)
        if known is not None and known[0] == producer and epoch < known[1]:
            return InvalidProducerEpoch()
        expected = known[2] if known is not None and known[:2] == (producer, epoch) else 0
        if sequence != expected:
            return OutOfOrderSequenceNumber()
        if error := self._refuses(target.topic, records):
            if not issubclass(error, REFUSALS):
                return error()
            alone = [index for index, record in enumerate(records) if self._refuses(target.topic, [record])]
            return Refusal(error(), tuple(alone) if self._names_records else ())
        self._states[target] = (producer, epoch, sequence + len(records))
        self._last[target] = identity
        self.log.setdefault((target.topic, target.partition), []).extend(records)
        return None

    def forget_producers(self) -> None:
        """As a broker does that lost data: numbers that do not start anew are out of order."""
        self._states = dict.fromkeys(self._states, (-1, 0, 0))
        self._last.clear()

    def values(self, topic: str, partition: int = 0) -> list[bytes]:
        return [record.value for record in self.log.get((topic, partition), [])]


@dataclass
class Bench:
    publisher: Publisher
    producer: ScriptedBroker
    metrics: Metrics
    acknowledged: list[Acknowledgement] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def delivered(self) -> list[tuple[CompletedRange, int]]:
        return [(one.completed, one.dead_letters) for one in self.acknowledged]

    @property
    def refused(self) -> list[RefusedOutput]:
        return [output for one in self.acknowledged for output in one.refused]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.001)


def with_publisher(
    body: Callable[[Bench], Any],
    refuses: Verdict = lambda *_: None,
    partitions: int = 1,
    batch_size: int = 400,
    troubles: Sequence[Trouble] = (),
    names_records: bool = False,
    **overrides: Any,
) -> None:
    loop = SkippedTime()

    async def run() -> None:
        acknowledged: list[Acknowledgement] = []
        failures: list[BaseException] = []
        broker = ScriptedBroker(refuses, partitions, batch_size, list(troubles), names_records)
        topics = {"input_topics": "in", "output_topic": "out", "dead_letter_topic": "dead", "group_id": "group"}
        telemetry, settings = Telemetry(clock=loop.time), load_settings(**topics, **overrides)
        publisher = Publisher(settings, broker, loop.time, acknowledged.append, failures.append, telemetry.emit)
        await body(Bench(publisher, broker, telemetry.metrics, acknowledged, failures))
        await publisher.close()

    run_with(loop, run)


def range_of(count: int, key: Callable[[int], bytes | None] = lambda _: b"k", **record: Any) -> CompletedRange:
    fetch = Fetch("in", 0, [StubRecord(offset, key(offset), **record) for offset in range(count)], count, 0.0)
    return CompletedRange(fetch, 0, count)


def publish(
    bench: Bench, completed: CompletedRange, values: list[bytes | None], rejected: dict[int, Rejection] | None = None
) -> None:
    indexes = [index for index in range(completed.start, completed.stop) if index not in (rejected or {})]
    headers = [completed.fetch.records[index].headers for index in indexes]
    bench.publisher.publish(Answer(completed, [Outputs("out", indexes, values, headers)], rejected or {}))


def refusing(*bad: bytes, error: type[KafkaError] = MessageSizeTooLargeError) -> Verdict:
    return lambda topic, records: error if topic == "out" and any(r.value in bad for r in records) else None


def idle(bench: Bench) -> bool:
    """Whether the sender of outputs has nothing more to do."""
    task = bench.publisher._senders[TopicPartition("out", 0)]._task
    return task is None or task.done()

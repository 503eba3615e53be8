"""A sender tries on for as long as it takes, in a time that passes at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NotEnoughReplicasError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from unit.delivery.scripted_broker import ScriptedBroker, range_of
from virtual_time import SkippedTime, run_with

from worker.delivery.batches import OutputSlice, PendingDelivery, Stamp
from worker.delivery.ledger import CompletedRange
from worker.delivery.partition_sender import BatchResult, PartitionSender
from worker.delivery.produce_client import REQUEST_TIMEOUT_MS, Refusal
from worker.delivery.retries import Retries
from worker.fetch import Fetch
from worker.observability.telemetry import Telemetry

FAILURES = 2_000
RECORDS = 3


class DeafBroker:
    """Fails for ``FAILURES`` requests, each as late as a request may be, and then takes everything."""

    producer_id = 7

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self.requests = 0
        self.taken: list[Any] = []

    async def new_producer_id(self) -> int:
        return self.producer_id

    def builder(self, max_bytes: int) -> DefaultRecordBatchBuilder:
        return DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, max_bytes)

    async def produce(self, target: Any, data: bytes, check: Callable[[], None]) -> Refusal | None:
        self.requests += 1
        if self.requests <= FAILURES:
            await asyncio.sleep(REQUEST_TIMEOUT_MS / 1000)
            raise self._error()
        self.taken.extend(MemoryRecords(data).next_batch())
        return None


@pytest.mark.parametrize(
    "error",
    [
        KafkaConnectionError,
        LeaderNotAvailableError,
        NotEnoughReplicasError,
        OSError,
        OutOfOrderSequenceNumber,
        RequestTimedOutError,
        UnknownTopicOrPartitionError,
    ],
)
def test_a_batch_is_tried_for_a_day_and_then_written_once(error: type[Exception]) -> None:
    loop = SkippedTime()
    broker = DeafBroker(error)
    results: list[BatchResult] = []
    failures: list[BaseException] = []
    fetch = Fetch("in", 0, [], RECORDS, 0.0)
    pending = PendingDelivery(CompletedRange(fetch, 0, RECORDS), RECORDS, 0)
    values = [b"1", b"2", b"3"]
    outputs = OutputSlice(pending, range(RECORDS), [None] * RECORDS, values, [()] * RECORDS, Stamp.WRITING)

    async def send() -> None:
        callbacks = results.append, failures.append, Telemetry().emit
        sender = PartitionSender(broker, TopicPartition("out", 0), Retries(), loop.time, *callbacks)
        sender.put(outputs)
        while not results and not failures:
            await asyncio.sleep(1)

    run_with(loop, send)
    assert failures == []
    assert results == [BatchResult(RECORDS, written=[(outputs, 0, RECORDS)])]
    assert [record.value for record in broker.taken] == values
    assert loop.time() > 23 * 3600


def test_each_record_is_judged_once_whatever_is_refused() -> None:
    """The breaker counts what is judged: a record that is sent again without the refused ones is no other record."""
    results: list[BatchResult] = []
    failures: list[BaseException] = []

    def refuses(_: str, records: list[Any]) -> type[KafkaError] | None:
        return InvalidTimestampError if any(int(record.value) % 4 for record in records) else None

    async def send() -> None:
        broker = ScriptedBroker(refuses, partitions=1, batch_size=2_000, troubles=[], names_records=True)
        callbacks = results.append, failures.append, Telemetry().emit
        sender = PartitionSender(broker, TopicPartition("out", 0), Retries(), lambda: 0.0, *callbacks)
        pending = PendingDelivery(range_of(200), 200, 0)
        values = [b"%03d" % number for number in range(200)]
        sender.put(OutputSlice(pending, range(200), [None] * 200, values, [()] * 200, Stamp.WRITING))
        while sum(stop - start for result in results for _, start, stop in result.written) < 50:
            await asyncio.sleep(0)

    asyncio.run(send())
    assert sum(result.judged for result in results) == 200
    refused = [index for result in results if result.refused for one in result.refused.slices for index in one.indexes]
    assert refused == [number for number in range(200) if number % 4]
    assert failures == []

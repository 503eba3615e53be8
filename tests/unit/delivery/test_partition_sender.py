"""A sender tries on for as long as it takes, in a time that passes at once."""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    KafkaConnectionError,
    LeaderNotAvailableError,
    NotEnoughReplicasError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from worker.delivery.batches import OutputSlice, PendingDelivery, Stamp
from worker.delivery.ledger import CompletedRange
from worker.delivery.partition_sender import Callbacks, PartitionSender, RefusedRecords
from worker.delivery.produce_client import REQUEST_TIMEOUT_MS, Refusal
from worker.delivery.retries import Retries
from worker.fetch import Fetch

FAILURES = 2_000
RECORDS = 3


class SkippedTime(selectors.DefaultSelector):
    """Has an event loop's time pass at once where nothing but time is waited for."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing is left to wait for"
        self.now += timeout
        return super().select(0)


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
def test_a_batch_is_tried_for_a_day_and_then_written_once(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    skipped = SkippedTime()
    loop = asyncio.SelectorEventLoop(skipped)
    monkeypatch.setattr(loop, "time", lambda: skipped.now)
    monkeypatch.setattr(time, "monotonic", lambda: skipped.now)
    broker = DeafBroker(error)
    delivered: list[int] = []
    failures: list[BaseException] = []
    refused: list[RefusedRecords] = []
    fetch = Fetch("in", 0, [], RECORDS, 0.0)
    pending = PendingDelivery(CompletedRange(fetch, 0, RECORDS), RECORDS, 0)
    values = [b"1", b"2", b"3"]
    outputs = OutputSlice(pending, range(RECORDS), [None] * RECORDS, values, [()] * RECORDS, Stamp.WRITING)

    async def send() -> None:
        sender = PartitionSender(
            broker,
            TopicPartition("out", 0),
            Retries(),
            Callbacks(
                wanted=lambda _: True,
                delivered=lambda _, count: delivered.append(count),
                taken=lambda _: None,
                refused=refused.append,
                failed=failures.append,
            ),
        )
        sender.put(outputs)
        while not delivered and not failures and not refused:
            await asyncio.sleep(1)

    try:
        loop.run_until_complete(send())
    finally:
        loop.close()
    assert (failures, refused) == ([], [])
    assert delivered == [RECORDS]
    assert [record.value for record in broker.taken] == values
    assert skipped.now > 23 * 3600

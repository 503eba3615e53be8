"""Produce requests: all batches that wait for a broker go to it in one.

A broker takes the next request of a connection once it has answered the one before, for which all replicas must have
it. With a request for each batch, partitions would wait for one another's replicas.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import UnknownError
from aiokafka.protocol.api import Request
from aiokafka.protocol.produce import (
    ProduceRequest_v3,
    ProduceRequest_v4,
    ProduceRequest_v5,
    ProduceRequest_v6,
    ProduceRequest_v7,
    ProduceRequest_v8,
)

from worker.delivery.outcomes import NotSentError

#: A request takes no further batch above this size, that of Kafka's own clients; a batch that is larger goes alone.
MAX_REQUEST_BYTES = 2**20
_ALL_REPLICAS = -1
_RECORD_ERRORS_SINCE = 8
_Versions = (
    ProduceRequest_v3
    | ProduceRequest_v4
    | ProduceRequest_v5
    | ProduceRequest_v6
    | ProduceRequest_v7
    | ProduceRequest_v8
)


class BatchResponse(NamedTuple):
    """The broker's word on one batch."""

    code: int
    """Of the Kafka protocol; 0 where all in-sync replicas have the batch."""
    records: tuple[int, ...] = ()
    """Which records are at fault, as indexes in the batch, ascending; empty where the broker does not say."""


class Batch:
    """A batch on its way to the leader of its partition.

    Args:
        target: the partition.
        data: as the broker is to get it.
        check: called at the last moment before the bytes go to the connection; what it raises keeps them here.
    """

    def __init__(self, target: TopicPartition, data: bytes, check: Callable[[], None]) -> None:
        self.target = target
        self.data = data
        self.answer: asyncio.Future[BatchResponse] = asyncio.get_running_loop().create_future()
        self._check = check

    def may_be_sent(self) -> bool:
        """Return whether somebody waits for the answer still, and the check lets the batch go."""
        if self.answer.done():
            return False
        try:
            self._check()
        except Exception as error:
            self.fail(error)
            return False
        return True

    def answered(self, answer: BatchResponse) -> None:
        """Note what the broker says."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Note that there is no answer, and why."""
        if not self.answer.done():
            self.answer.set_exception(error)


class ProduceRequest(Request[_Versions]):  # type: ignore[misc]
    """Batches for partitions of one broker, in the newest version that it knows.

    Raises:
        NotSentError: when it is prepared, and none of the batches may be sent.
    """

    API_KEY = 0

    def __init__(self, batches: Sequence[Batch], timeout_ms: int) -> None:
        self._batches = batches
        self._timeout_ms = timeout_ms

    def prepare(self, versions: Any) -> Any:
        self._batches = [batch for batch in self._batches if batch.may_be_sent()]
        if not self._batches:
            raise NotSentError()
        return super().prepare(versions)  # aiokafka writes what this returns in the same step

    def build(self, request_struct_class: Any) -> Any:
        topics: dict[str, list[tuple[int, bytes]]] = {}
        for batch in self._batches:
            topics.setdefault(batch.target.topic, []).append((batch.target.partition, batch.data))
        return request_struct_class(None, _ALL_REPLICAS, self._timeout_ms, [*topics.items()])


class Requests:
    """Sends batches, with one request at a time to each broker.

    Args:
        client: aiokafka's.
        timeout_ms: how long a broker may wait for its replicas, in milliseconds.
    """

    def __init__(self, client: AIOKafkaClient, timeout_ms: int) -> None:
        self._client = client
        self._timeout_ms = timeout_ms
        self._waiting: dict[int, list[Batch]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def send(self, node: int, batch: Batch) -> BatchResponse:
        """Send a batch to a broker; of one partition there must be only one at a time.

        Raises:
            KafkaError, OSError: it may or may not have been written; or what its check has raised.
        """
        self._waiting.setdefault(node, []).append(batch)
        if node not in self._tasks:
            self._tasks[node] = asyncio.get_running_loop().create_task(self._send_what_waits(node))
        return await batch.answer

    async def stop(self) -> None:
        """Send nothing more; who waits for an answer is cancelled."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for batches in self._waiting.values():
            for batch in batches:
                batch.answer.cancel()

    async def _send_what_waits(self, node: int) -> None:
        waiting = self._waiting[node]
        try:
            while True:
                await asyncio.sleep(0)  # who was answered by the same response puts in its next batch in this turn
                if not waiting:
                    return
                batches = _first(waiting)
                del waiting[: len(batches)]
                await self._send(node, batches)
        finally:
            del self._tasks[node]

    async def _send(self, node: int, batches: Sequence[Batch]) -> None:
        try:
            response = await self._client.send(node, ProduceRequest(batches, self._timeout_ms))
        except asyncio.CancelledError:
            for batch in batches:
                batch.answer.cancel()
            raise
        except Exception as error:
            for batch in batches:
                batch.fail(error)
            # The next request would wait as long in vain, although the partitions' leader may be another by now.
            for batch in self._waiting[node]:
                batch.fail(NotSentError(f"a request before it has failed ({type(error).__name__})"))
            self._waiting[node].clear()
            return
        answers = _answers(response)
        for batch in batches:
            if batch.target in answers:
                batch.answered(answers[batch.target])
            else:
                batch.fail(UnknownError())


def _first(waiting: Iterable[Batch]) -> list[Batch]:
    """Return the batches of the next request, at least one."""
    batches: list[Batch] = []
    size = 0
    for batch in waiting:
        size += len(batch.data)
        if batches and size > MAX_REQUEST_BYTES:
            break
        batches.append(batch)
    return batches


def _answers(response: Any) -> dict[TopicPartition, BatchResponse]:
    answers = {}
    for topic, partitions in response.topics:
        for number, code, *rest in partitions:
            records = rest[3] if response.API_VERSION >= _RECORD_ERRORS_SINCE else ()
            answers[TopicPartition(topic, number)] = BatchResponse(code, tuple(sorted(index for index, _ in records)))
    return answers

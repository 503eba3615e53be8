"""Batches to the partitions' leaders, over aiokafka's connections, metadata and record format.

aiokafka's own producer gives a batch up after 40 seconds without a leader, with its numbers used up; it cannot take a
batch back, and it does not hear which records of a batch the broker refuses (KIP-467). So we send the requests
ourselves; everything below them is aiokafka's.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    DuplicateSequenceNumber,
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NoError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from worker.clock import Clock
from worker.delivery.outcomes import (
    NotSentError,
    Outcome,
    PartitionGoneError,
    RequestCutOffError,
    SessionUnconfirmedError,
    backoff,
    error_for,
    outcome,
)
from worker.delivery.requests import MAX_REQUEST_BYTES, Batch, Requests
from worker.delivery.retries import PATIENCE_SECONDS
from worker.errors import BrokerError, Code

logger = logging.getLogger(__name__)

#: How long we wait for a broker's answer, in milliseconds. The broker waits for its replicas a quarter less, so that we
#: get its answer for the other partitions of a request.
REQUEST_TIMEOUT_MS = 40_000
#: How long a start asks for a producer id, in seconds.
START_SECONDS = 60.0
_CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The broker's word that a batch cannot be written as it is; nothing of it was."""

    error: KafkaError
    records: tuple[int, ...] = ()
    """Which records are at fault, as indexes in the batch, ascending; empty where the broker does not say."""


class ProduceClient:
    """Sends batches; nothing is tried again here, and nothing numbered.

    Args:
        connection: where and how to connect, as ``client_options`` gives it.
        topics: those whose partitions are looked up.
        compression: codec of the batches: none, gzip, snappy, lz4 or zstd.
        confirmed: asked before each request's bytes go to the connection, whether the group's session certainly lasts.
        clock: monotonic seconds.
        options: aiokafka's client's own, besides.
    """

    def __init__(
        self,
        connection: dict[str, Any],
        topics: tuple[str, ...],
        compression: str = "none",
        *,
        confirmed: Callable[[], bool],
        clock: Clock,
        **options: Any,
    ) -> None:
        self._client = AIOKafkaClient(**connection, request_timeout_ms=REQUEST_TIMEOUT_MS, **options)
        self._requests = Requests(self._client, REQUEST_TIMEOUT_MS * 3 // 4)
        self._topics = topics
        self._confirmed = confirmed
        self._clock = clock
        self._codec = _CODECS[compression]
        self._partitions: dict[str, int] = {}
        self._producer_id: int | None = None

    async def start(self) -> None:
        """Connect, look the topics up, and get a producer id.

        Raises:
            KafkaError: no broker answers, a topic is missing, or we may not write.
            BrokerError: no broker gives a producer id for a minute.
        """
        await self._client.bootstrap()
        await self._client.set_topics(self._topics)
        for topic in self._topics:
            self._partitions[topic] = len(await self._client._wait_on_metadata(topic))
        self._producer_id = await self._first_producer_id()

    async def stop(self) -> None:
        """Close the connections."""
        await self._requests.stop()
        await self._client.close()

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has, as far as is known; of one that is gone, how many it had."""
        known = self._client.cluster.partitions_for_topic(topic)
        if known:
            self._partitions[topic] = len(known)
        return self._partitions[topic]

    def builder(self, max_bytes: int) -> DefaultRecordBatchBuilder:
        """Return an empty batch that takes records up to this size before compression, or one larger record."""
        return DefaultRecordBatchBuilder(
            magic=2,
            compression_type=self._codec,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=max_bytes,
        )

    @property
    def producer_id(self) -> int:
        """The id that the partitions share, each with an epoch and numbers of its own."""
        if self._producer_id is None:
            raise RuntimeError("start() comes first")
        return self._producer_id

    async def _first_producer_id(self) -> int:
        began, said, failures = self._clock(), False, 0
        while True:
            try:
                return await self.new_producer_id()
            except (KafkaError, OSError) as error:
                if outcome(error) is Outcome.FATAL:
                    raise
                waited, kind = self._clock() - began, type(error).__name__
                if waited >= START_SECONDS:
                    raise BrokerError(
                        Code.NO_PRODUCER_ID,
                        f"no broker has given this worker a producer id within {START_SECONDS:g} s ({kind}): see "
                        "whether the cluster has a controller, and the brokers' log; nothing was read or written",
                    ) from error
                if waited >= PATIENCE_SECONDS and not said:
                    said = True
                    logger.warning(
                        "no broker gives a producer id (%s): it is asked for again, for %g s", kind, START_SECONDS
                    )
                failures += 1
                await asyncio.sleep(backoff(failures))

    async def new_producer_id(self) -> int:
        """Return a producer id that nobody has used; like a batch, it is asked for once.

        Raises:
            KafkaError: no broker has given one; see ``outcome``.
        """
        node = self._client.get_random_node()
        if node is None:
            raise NodeNotReadyError()
        response = await self._client.send(node, InitProducerIdRequest(None, 2**31 - 1))
        if response.error_code != NoError.errno:
            raise error_for(response.error_code)
        return int(response.producer_id)

    async def produce(self, target: TopicPartition, batch: bytes, check: Callable[[], None]) -> Refusal | None:
        """Write a batch; None once all in-sync replicas have it.

        Args:
            target: the partition.
            batch: as the broker is to get it.
            check: called at the last moment before the bytes go to the connection; what it raises keeps them here.

        Raises:
            SessionUnconfirmedError: the session may have ended, while the process was frozen, say; nothing was sent.
            KafkaError: it may or may not have been written; see ``outcome``.
        """

        def check_all() -> None:
            check()
            if not self._confirmed():
                raise SessionUnconfirmedError()

        try:
            leader = self._leader(target)
            try:
                answer = await self._requests.send(leader, Batch(target, batch, check_all))
            except KafkaConnectionError as lost:
                if len(batch) > MAX_REQUEST_BYTES and await self._answers_others(leader):
                    raise RequestCutOffError(f"a request of {len(batch):,} bytes") from lost
                raise
            if answer.code in (NoError.errno, DuplicateSequenceNumber.errno):
                return None
            error = error_for(answer.code)
            if outcome(error) is not Outcome.REFUSED:
                raise error
        except (KafkaError, OSError) as failed:
            if outcome(failed) is Outcome.RETRY and not isinstance(failed, NotSentError):
                # Perhaps the leader has moved, whatever is said: aiokafka does not know every word of brokers for it.
                self._client.force_metadata_update()
            raise
        return Refusal(error, answer.records)

    async def _answers_others(self, node: int) -> bool:
        """Return whether a broker answers a request that is small."""
        try:
            await self._client.send(node, MetadataRequest([], allow_auto_topic_creation=False))
        except (KafkaError, OSError):
            return False
        return True

    def _leader(self, target: TopicPartition) -> int:
        cluster = self._client.cluster
        leader = cluster.leader_for_partition(target)
        if leader is not None and leader != -1:
            return int(leader)
        if target.topic in cluster.unauthorized_topics:
            raise TopicAuthorizationFailedError(target.topic)
        partitions = cluster.partitions_for_topic(target.topic)
        if not partitions:
            raise UnknownTopicOrPartitionError()
        if target.partition not in partitions:
            raise PartitionGoneError(f"{target.topic} has {len(partitions)} partitions, and had more")
        raise LeaderNotAvailableError()

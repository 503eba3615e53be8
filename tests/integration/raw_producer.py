"""Writes record batches as they are, right or wrong, which no client's producer would do."""

import asyncio
from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest

UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER = 3, 5, 6
NO_LEADER = (UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER)
"""A broker with one of these has written nothing."""


def produce_batches(bootstrap: str, topic: str, batches: Iterable[bytes], partition: int = 0) -> None:
    """Send batches in order, one a request; the broker gives them their offsets."""
    asyncio.run(_produce(bootstrap, topic, batches, partition))


async def _produce(bootstrap: str, topic: str, batches: Iterable[bytes], partition: int) -> None:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=60_000)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        target = TopicPartition(topic, partition)
        for batch in batches:
            async with asyncio.timeout(60):
                while (code := await _send(client, target, batch)) in NO_LEADER:
                    await client.force_metadata_update()
                    await asyncio.sleep(0.1)
            assert code == 0, f"the broker refused a batch: {code}"
    finally:
        await client.close()


async def _send(client: AIOKafkaClient, target: TopicPartition, batch: bytes) -> int:
    """Return the broker's code."""
    leader = client.cluster.leader_for_partition(target)
    if leader is None or leader == -1:
        return NOT_LEADER
    request = ProduceRequest(None, -1, 60_000, [(target.topic, [(target.partition, batch)])])
    response = await client.send(leader, request)
    ((_, ((_, code, *_),)),) = response.topics
    return int(code)

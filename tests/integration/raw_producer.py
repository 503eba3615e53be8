"""Writes record batches as they are, right or wrong, which no client's producer would do."""

import asyncio
from collections.abc import Iterable

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest


def produce_batches(bootstrap: str, topic: str, batches: Iterable[bytes], partition: int = 0) -> None:
    """Send batches in order, one a request; the broker gives them their offsets."""
    asyncio.run(_produce(bootstrap, topic, batches, partition))


async def _produce(bootstrap: str, topic: str, batches: Iterable[bytes], partition: int) -> None:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=60_000)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        (leader,) = [node for node in client.cluster.brokers() if partition in _led(client, topic, node.nodeId)]
        for batch in batches:
            response = await client.send(
                leader.nodeId, ProduceRequest(None, -1, 60_000, [(topic, [(partition, batch)])])
            )
            codes = [part[1] for _, parts in response.topics for part in parts]
            assert codes == [0], f"the broker refused a batch: {codes}"
    finally:
        await client.close()


def _led(client: AIOKafkaClient, topic: str, node: int) -> set[int]:
    return {tp.partition for tp in client.cluster.partitions_for_broker(node) or () if tp.topic == topic}

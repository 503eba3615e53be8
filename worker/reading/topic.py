"""Opens a topic for reading a range of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from worker.connection import client_options
from worker.diagnosis import check_brokers, connected
from worker.errors import BrokerError, Code
from worker.permissions import present_topics
from worker.settings import Settings

FETCH_BYTES = 8 * 2**20


@asynccontextmanager
async def reading(settings: Settings, topic: str, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a started consumer without a subscription; ``group`` is the one whose committed offsets it can look up.

    Raises:
        BrokerError: the broker cannot be reached, or there is no such topic, or we may not read it.
    """
    await check_brokers(settings, every=False)
    async with connected(settings) as broker:
        if topic not in await present_topics(settings, broker, [topic], "Read"):
            raise BrokerError(
                Code.TOPIC_MISSING, f"there is no topic {topic!r} at {','.join(settings.bootstrap_servers)}"
            )
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=settings.isolation_level,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic that is there, ascending."""
    numbers = await consumer._client._wait_on_metadata(topic)
    return [TopicPartition(topic, number) for number in sorted(numbers)]

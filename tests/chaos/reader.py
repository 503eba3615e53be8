"""The content of the topics at the end, read by a client that the worker does not use."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from chaos.events import IDENTITY

DEAD_LETTER = "__dlq.errors."


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    timestamp_ms: int
    identity: str
    """``key:sequence:expected``; empty where the record has no such header, or none that can be read."""
    reason: str = ""
    """Of a dead letter, the rest too."""
    source_partition: int = -1
    source_offset: int = -1


def read(bootstrap: str, topic: str) -> Iterator[Row]:
    """Yield every record that is in the topic now, partition by partition in offset order.

    Raises:
        TimeoutError: nothing arrives for a minute although something should be there.
    """
    options = {"bootstrap.servers": bootstrap, "group.id": "chaos-reader", "log_level": 0}
    consumer = Consumer({**options, "enable.auto.commit": False, "enable.partition.eof": True})
    try:
        for number in sorted(consumer.list_topics(topic, timeout=30).topics[topic].partitions):
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            consumer.assign([TopicPartition(topic, number, 0)])
            position, progress = 0, time.monotonic()
            while position < end:
                messages = consumer.consume(10_000, timeout=0.5)
                if messages:
                    progress = time.monotonic()
                elif time.monotonic() > progress + 60:
                    raise TimeoutError(f"nothing of {topic}-{number} arrives after offset {position} of {end}")
                for message in messages:
                    error, offset = message.error(), message.offset() or 0
                    if error is None:
                        position = offset + 1
                        yield _row(message)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        position = max(position, offset)
    finally:
        consumer.close()


def _row(message: Message) -> Row:
    try:
        headers: dict[str, Any] = dict(message.headers() or ())
    except (UnicodeDecodeError, SystemError):  # the name of one is not UTF-8, on purpose
        headers = {}
    source = headers.get(f"{DEAD_LETTER}partition", b"-1"), headers.get(f"{DEAD_LETTER}offset", b"-1")
    return Row(
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        message.timestamp()[1],
        (headers.get(IDENTITY) or b"").decode(),
        (headers.get(f"{DEAD_LETTER}reason") or b"").decode(),
        int(source[0]),
        int(source[1]),
    )

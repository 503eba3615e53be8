"""Kafka as another team's program sees it: librdkafka writes, kafka-python reads, and the worker's client does neither.

kafka-python can write neither a header without a value nor a record without key and value; librdkafka can.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer
from integration.polling import eventually
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewPartitions, NewTopic
from kafka.structs import OffsetAndMetadata

Headers = Sequence[tuple[str, bytes | None]]


class Message(NamedTuple):
    """A record to produce."""

    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    timestamp: int | None = None
    partition: int | None = None


class Client:
    """Makes topics, produces, and reads what is there from the beginning to the end."""

    def __init__(self, bootstrap: str, *, real: bool) -> None:
        self._options: dict[str, Any] = {"bootstrap_servers": bootstrap}
        if not real:  # the embedded broker does not tell its versions, and has no admin API
            self._options["api_version"] = (0, 11)
        self._admin = KafkaAdminClient(**self._options) if real else None
        # Raw bytes, decompressed by the client; nothing of a group is used.
        self._reader = KafkaConsumer(**self._options, group_id=None)
        self._producer = self.producer()

    def close(self) -> None:
        del self._producer  # librdkafka has no other way to let a connection go
        self._reader.close()
        if self._admin is not None:
            self._admin.close()

    def producer(self, **options: Any) -> Producer:
        """A producer of its own; ``options`` are librdkafka's, with ``_`` for ``.``."""
        return Producer(
            {
                "bootstrap.servers": self._options["bootstrap_servers"],
                "partitioner": "murmur2_random",  # as Java's clients have it
                "enable.idempotence": True,  # a retry must not change the order that the tests look for
                "linger.ms": 5,
                "log_level": 0,
                "message.max.bytes": 1_000_000,
                **{name.replace("_", "."): value for name, value in options.items()},
            }
        )

    def create(self, *topics: str, partitions: int = 4, **config: str) -> None:
        """Make topics; the embedded broker makes them itself, with 4 partitions.

        Nothing in them is ever too old: a broker looks for old timestamps, which tests write, when it pleases.
        """
        if self._admin is None:
            for topic in topics:
                self._producer.list_topics(topic, timeout=10)
            return
        settings = {"retention.ms": "-1"} | {name.replace("_", "."): value for name, value in config.items()}
        self._admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings) for topic in topics])

    def cluster_id(self) -> str:
        """The id of the cluster, as Kafka's tools print it."""
        assert self._admin is not None
        return str(self._admin.describe_cluster()["cluster_id"])

    def delete(self, topic: str) -> None:
        """Delete a topic; returns when the broker does not know it any more."""
        assert self._admin is not None
        self._admin.delete_topics([topic])
        eventually(lambda: topic not in self.topics(), f"{topic} is gone")

    def add_partitions(self, topic: str, count: int) -> None:
        """Have ``count`` partitions of a topic."""
        assert self._admin is not None
        self._admin.create_partitions({topic: NewPartitions(count)})

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Delete the records below an offset, as retention does."""
        assert self._admin is not None
        self._admin.delete_records({TopicPartition(topic, partition): before})

    def commit(self, group: str, topic: str, offsets: Mapping[int, int], metadata: str = "") -> None:
        """Set the offsets of a group without members."""
        consumer = KafkaConsumer(**self._options, group_id=group, enable_auto_commit=False)
        try:
            consumer.assign([TopicPartition(topic, number) for number in offsets])
            consumer.commit({TopicPartition(topic, n): OffsetAndMetadata(o, metadata, -1) for n, o in offsets.items()})
        finally:
            consumer.close(autocommit=False)

    def values_by_librdkafka(self, topic: str, count: int) -> list[bytes]:
        """The first ``count`` values of a topic as librdkafka reads them, which knows every compression."""
        options = {"bootstrap.servers": self._options["bootstrap_servers"], "group.id": f"reader-of-{topic}"}
        consumer = Consumer({**options, "auto.offset.reset": "earliest", "enable.auto.commit": False})
        try:
            consumer.subscribe([topic])
            found: list[bytes] = []
            while len(found) < count:
                messages = consumer.consume(count - len(found), timeout=30)
                assert messages, f"{len(found)} of {count} records read"
                assert not any(message.error() for message in messages)
                found += [message.value() or b"" for message in messages]
            return found
        finally:
            consumer.close()

    def topics(self) -> set[str]:
        return set(self._reader.topics())

    def produce(self, topic: str, messages: Iterable[Message], through: Producer | None = None) -> None:
        """Send messages in order; returns when the broker has them all."""
        producer = through or self._producer
        refused: list[Any] = []

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                refused.append(error)

        for value, key, headers, timestamp, partition in messages:
            where: dict[str, Any] = {} if partition is None else {"partition": partition}
            if timestamp is not None:
                where["timestamp"] = timestamp
            producer.produce(topic, value, key, headers=[*headers], on_delivery=delivered, **where)
            producer.poll(0)
        left = producer.flush(60)
        assert (left, refused) == (0, []), "some messages were not acknowledged"

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Partition -> the offset behind its last record."""
        partitions = self._partitions(topic)
        return {tp.partition: offset for tp, offset in self._reader.end_offsets(partitions).items()}

    def count(self, *topics: str) -> int:
        """Records ever written; right for topics without transactions."""
        return sum(sum(self.end_offsets(topic).values()) for topic in topics)

    def read(self, topic: str) -> list[Any]:
        """Every record that is there now: partition by partition, in offset order."""
        partitions = self._partitions(topic)
        ends = self._reader.end_offsets(partitions)
        self._reader.assign(partitions)
        self._reader.seek_to_beginning(*partitions)
        records: list[Any] = []
        while any(self._reader.position(tp) < ends[tp] for tp in partitions):
            for fetched in self._reader.poll(timeout_ms=500).values():
                records.extend(fetched)
        return sorted(records, key=lambda record: (record.partition, record.offset))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Partition -> the group's committed offset; partitions without one are left out."""
        consumer = KafkaConsumer(**self._options, group_id=group, enable_auto_commit=False)
        try:
            offsets = {tp.partition: consumer.committed(tp) for tp in self._partitions(topic)}
        finally:
            consumer.close(autocommit=False)
        return {partition: offset for partition, offset in offsets.items() if offset is not None}

    def committed_metadata(self, group: str, topic: str, partition: int = 0) -> str:
        """Return the metadata that the group has committed with the offset of a partition."""
        consumer = KafkaConsumer(**self._options, group_id=group, enable_auto_commit=False)
        try:
            return str(consumer.committed(TopicPartition(topic, partition), metadata=True).metadata)
        finally:
            consumer.close(autocommit=False)

    def _partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in self._reader.partitions_for_topic(topic) or ()]


def place(record: Any) -> tuple[str, int, int]:
    """Where a record stands: topic, partition, offset."""
    return record.topic, record.partition, record.offset


def texts(outputs: Iterable[Any]) -> list[Any]:
    """The outputs that carry a verdict: tombstones left out."""
    return [output for output in outputs if output.value is not None]


def sources(outputs: Iterable[Any]) -> list[tuple[str, int, int]]:
    """Where the inputs of these outputs stood, as the id of each verdict says."""
    found = []
    for output in outputs:
        topic, partition, offset, _ = json.loads(output.value)["sentiment"]["id"].rsplit("-", 3)
        found.append((topic, int(partition), int(offset)))
    return found


def dead_letter_source(record: Any) -> tuple[str, int, int]:
    """Where the input of a dead letter stood, as its headers say."""
    headers = dict(record.headers)
    topic, partition, offset = (headers[f"__dlq.errors.{name}"].decode() for name in ("topic", "partition", "offset"))
    return topic, int(partition), int(offset)


def ids_by_key(outputs: Iterable[Any]) -> dict[bytes, list[int]]:
    """Key -> the ids of its events in the order of the output, each where it came first."""
    found: dict[bytes, dict[int, None]] = {}
    for output in outputs:
        found.setdefault(output.key, {}).setdefault(json.loads(output.value)["id"])
    return {key: [*ids] for key, ids in found.items()}


def repeated(items: Iterable[Any]) -> list[Any]:
    """Return the items that are there more than once."""
    return [item for item, times in Counter(items).items() if times > 1]

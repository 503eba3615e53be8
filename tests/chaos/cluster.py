"""The brokers under attack: two, so that one of them can take its partitions of the output topic away.

Broker 1 has everything else: the controller, the groups, inputs and dead letters. Both keep their ports of the host,
whatever happens to them.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic
from integration.kafka_container import KafkaContainer
from integration.process import free_port
from integration.topics import Topics
from testcontainers.core.network import Network

from chaos.events import OUTPUT_LIMIT

PARTITIONS = 4
HOUR_MS = 3_600_000


class Cluster:
    """Two brokers in containers, and what their operators do to them. A context: both go in any case."""

    def __init__(self) -> None:
        self._ports = (free_port(), free_port())
        self._network: Network | None = None
        self._brokers: list[KafkaContainer] = []
        self._admin: AdminClient | None = None

    def __enter__(self) -> Self:
        try:
            self._network = Network().create()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove containers and network."""
        self._remove()
        if self._network is not None:
            self._network.remove()
            self._network = None

    def _start(self) -> None:
        for node, port in enumerate(self._ports, start=1):
            broker = KafkaContainer(port=port, network=self._network, node=node)
            broker.with_env("KAFKA_BROKER_SESSION_TIMEOUT_MS", "6000")  # leaderless soon
            self._brokers.append(broker)
            broker.start()
        self._admin = None

    def _remove(self) -> None:
        for broker in self._brokers:
            with suppress(Exception):  # a paused one cannot be stopped; one that never started, neither
                broker.unpause()
            with suppress(Exception):
                broker.stop()
        self._brokers.clear()

    @property
    def bootstrap(self) -> str:
        """Broker 1: whoever finds it finds both."""
        return self._brokers[0].bootstrap

    @property
    def admin(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        return self._admin

    def pause(self, node: int, seconds: float, sleep: Callable[[float], Any]) -> None:
        """Freeze a broker for a time."""
        self._brokers[node - 1].pause()
        try:
            sleep(seconds)
        finally:
            self._brokers[node - 1].unpause()

    def restart(self, node: int, *, kill: bool) -> None:
        """Start a broker again with what it has."""
        self._brokers[node - 1].restart(kill=kill)

    def replace(self) -> None:
        """Put empty brokers in the place of both."""
        self._remove()
        self._start()

    def create(self, topics: Topics, names: tuple[str, ...] = ()) -> None:
        """Make an epoch's topics, or those of them that are named; returns when they can be used.

        The output topic refuses records without a key or with an old timestamp, and keeps every record of a key all
        the same, so that they can be counted. Broker 2 leads every other partition of it.
        """
        kept = {"retention.ms": "-1"}
        compacted = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(24 * HOUR_MS)}
        picky = {"max.message.bytes": str(OUTPUT_LIMIT), "message.timestamp.before.max.ms": str(HOUR_MS)}
        configs: dict[str, dict[str, str]] = {
            topics.input: kept,
            topics.output: kept | compacted | picky,
            topics.dead_letters: kept | {"max.message.bytes": "2000000"},
        }
        wanted = [name for name in configs if not names or name in names]
        spread = {topics.output: [[1 + number % 2] for number in range(PARTITIONS)]}
        alone = [[1]] * PARTITIONS
        new = [
            NewTopic(name, PARTITIONS, replica_assignment=spread.get(name, alone), config=configs[name])
            for name in wanted
        ]
        self._await(self.admin.create_topics, new)
        self.wait_for(lambda: all(len(self.leaders(name)) == PARTITIONS for name in wanted), f"{wanted} are there")

    def delete(self, name: str) -> None:
        """Delete a topic; returns when it is gone."""
        self._await(self.admin.delete_topics, [name])
        self.wait_for(lambda: not self.leaders(name), f"{name} is gone")

    def grow(self, topics: Topics, partitions: int) -> None:
        """Give all three topics that many partitions, the input last."""
        for name in (topics.output, topics.dead_letters, topics.input):
            self._await(self.admin.create_partitions, [NewPartitions(name, partitions, [[1]])])
        self.wait_for(lambda: len(self.leaders(topics.input)) == partitions, f"{topics.input} has {partitions}")

    def leaders(self, topic: str) -> dict[int, int]:
        """Return partition -> the node that leads it, -1 for none; empty while the topic is not known."""
        try:
            metadata = self.admin.list_topics(topic, timeout=5).topics[topic]
        except KafkaException:
            return {}
        return {} if metadata.error else {number: found.leader for number, found in metadata.partitions.items()}

    def wait_for(self, probe: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Wait until ``probe`` is true; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not probe():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:g} s: {what}")
            time.sleep(0.2)

    def lag(self, topics: Topics) -> int | None:
        """Return how many events the group has yet to commit; None while the brokers do not tell."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": topics.group, "log_level": 0})
        try:
            partitions = [TopicPartition(topics.input, number) for number in self.leaders(topics.input)]
            if not partitions:
                return None
            lag = 0
            for tp in consumer.committed(partitions, timeout=5):
                low, high = consumer.get_watermark_offsets(tp, timeout=5)
                # An offset beyond the end is that of a topic that is gone: nothing of this one is committed.
                lag += high - (tp.offset if low <= tp.offset <= high else low)
            return lag
        except KafkaException:
            return None
        finally:
            consumer.close()

    def _await(self, request: Callable[..., Mapping[Any, Any]], what: list[Any]) -> None:
        for future in request(what, operation_timeout=30, request_timeout=40).values():
            future.result(60)

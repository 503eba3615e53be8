"""Apache Kafka in a container of its own, for testcontainers.

testcontainers' own ``KafkaContainer`` knows only the layout of Confluent's image; this one is for ``apache/kafka``.
"""

import os
import time
from typing import Self

from docker.errors import APIError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

IMAGE = os.environ.get("SENTIMENT_TEST_KAFKA_IMAGE", "apache/kafka:4.4.0")
PORT = 9092
START_SCRIPT = "/tmp/start-kafka"
STARTED = b"Kafka Server started"
PAUSE_ATTEMPTS = 4


class KafkaContainer(DockerContainer):
    """One broker; without ``controller`` it is its own controller.

    Clients are told to come to the host's port, which Docker chooses when the container starts unless ``port`` names
    it, so the container waits for a script that carries the port and only then starts Kafka.

    Args:
        port: a port of the host that is free, for a broker that will be restarted: Docker would choose another one.
        network: where brokers of one cluster find one another.
        node: the broker's id. Another one than 1 is a broker alone, and broker 1 its controller.
    """

    def __init__(
        self, image: str = IMAGE, *, port: int | None = None, network: Network | None = None, node: int = 1
    ) -> None:
        super().__init__(image)
        # Whoever starts this container removes it too; the reaper would be a second image to pull.
        testcontainers_config.ryuk_disabled = True
        self._node = node
        inside = "localhost"
        if network is not None:
            inside = self._name_of(node)
            self.with_network(network).with_network_aliases(inside)
        self._internal = f"INTERNAL://{inside}:19092"
        if port is None:
            self.with_exposed_ports(PORT)
        else:
            self.with_bind_ports(PORT, port)
        self.with_command(["sh", "-c", f"until [ -x {START_SCRIPT} ]; do sleep 0.1; done; exec {START_SCRIPT}"])
        # The brokers talk to themselves (transaction markers) and to one another on a listener that is not the host's.
        listeners = f"PLAINTEXT://:{PORT},INTERNAL://:19092"
        self.with_envs(
            KAFKA_NODE_ID=str(node),
            KAFKA_PROCESS_ROLES="broker,controller" if node == 1 else "broker",
            KAFKA_LISTENERS=f"{listeners},CONTROLLER://:9093" if node == 1 else listeners,
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME="INTERNAL",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_CONTROLLER_QUORUM_VOTERS=f"1@{'localhost' if network is None else self._name_of(1)}:9093",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS="4",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS="4",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
            KAFKA_LOG_CLEANER_BACKOFF_MS="500",  # compaction within the patience of a test
            KAFKA_LOG_RETENTION_MS="-1",  # else every five minutes records with a test's old timestamps are deleted
            KAFKA_HEAP_OPTS="-Xms256m -Xmx512m",
        )

    @staticmethod
    def _name_of(node: int) -> str:
        return f"kafka-{node}"

    def start(self) -> Self:
        super().start()
        self.prepare()
        addresses = {"PLAINTEXT": self.bootstrap} | self.more_listeners()
        clients = ",".join(f"{name}://{address}" for name, address in addresses.items())
        script = (
            f"#!/bin/sh\nexport KAFKA_ADVERTISED_LISTENERS={clients},{self._internal}\nexec /etc/kafka/docker/run\n"
        )
        self.copy_into_container(script.encode(), START_SCRIPT, mode=0o755)
        LogMessageWaitStrategy(STARTED.decode()).with_startup_timeout(90).wait_until_ready(self)
        return self

    def prepare(self) -> None:
        """Called when the host's ports are known and Kafka has not started yet."""

    def more_listeners(self) -> dict[str, str]:
        """Other listeners for clients: name -> host:port."""
        return {}

    @property
    def bootstrap(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def pause(self) -> None:
        """Freeze the broker: connections stay and nothing answers."""
        for attempt in range(1, PAUSE_ATTEMPTS + 1):
            try:
                self.get_wrapped_container().pause()
                return
            except APIError:  # the kernel does not freeze every process in time on a machine that is busy
                if attempt == PAUSE_ATTEMPTS:
                    raise
                time.sleep(0.5)

    def unpause(self) -> None:
        """Let a paused broker go on where it was."""
        self.get_wrapped_container().unpause()

    def restart(self, *, kill: bool = False) -> None:
        """Stop the broker, with SIGKILL if ``kill``, and start it again with what it has stored; needs ``port``."""
        container = self.get_wrapped_container()
        starts = container.logs().count(STARTED)
        container.restart(timeout=0 if kill else 20)
        deadline = time.monotonic() + 90
        while container.logs().count(STARTED) == starts:
            if time.monotonic() > deadline:
                raise TimeoutError("the restarted broker does not say that it has started")
            time.sleep(0.1)

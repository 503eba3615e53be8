"""Apache Kafka in a container of its own, for testcontainers.

testcontainers' own ``KafkaContainer`` knows only the layout of Confluent's image; this one is for ``apache/kafka``.
"""

import os
from typing import Self

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

IMAGE = os.environ.get("SENTIMENT_TEST_KAFKA_IMAGE", "apache/kafka:4.4.0")
PORT = 9092
START_SCRIPT = "/tmp/start-kafka"


class KafkaContainer(DockerContainer):
    """One broker that is its own controller.

    Clients are told to come to a port that Docker chooses when the container starts, so the container waits for a
    script that carries that port and only then starts Kafka.
    """

    def __init__(self, image: str = IMAGE) -> None:
        super().__init__(image)
        # Whoever starts this container removes it too; the reaper would be a second image to pull.
        testcontainers_config.ryuk_disabled = True
        self.with_exposed_ports(PORT)
        self.with_command(["sh", "-c", f"until [ -x {START_SCRIPT} ]; do sleep 0.1; done; exec {START_SCRIPT}"])
        self.with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            # The broker talks to itself (transaction markers) inside the container, where nobody listens on that port.
            KAFKA_LISTENERS=f"PLAINTEXT://:{PORT},INTERNAL://localhost:19092,CONTROLLER://localhost:9093",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME="INTERNAL",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
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

    def start(self) -> Self:
        super().start()
        script = (
            "#!/bin/sh\n"
            f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{self.bootstrap},INTERNAL://localhost:19092\n"
            "exec /etc/kafka/docker/run\n"
        )
        self.copy_into_container(script.encode(), START_SCRIPT, mode=0o755)
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(90).wait_until_ready(self)
        return self

    @property
    def bootstrap(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

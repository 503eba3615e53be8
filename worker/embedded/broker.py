"""A real Kafka listener on loopback, inside this process: the mock cluster that librdkafka carries for its own tests.

It speaks Kafka's protocol to any client in any process: produce (idempotent too), fetch, groups, commits. It differs
from a Kafka that is installed in what matters only beyond a demonstration:

- one member in a group; a second one is refused;
- no admin requests: a topic is made when it is first named, with ``PARTITIONS`` partitions;
- the newest ``RETAINED_BYTES`` of each partition are kept, in memory: who sends must wait for who reads;
- kafka-python only with ``api_version=(0, 11)``.
"""

from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, Producer

from worker.errors import BrokerError, Code

PARTITIONS = 4
RETAINED_BYTES = 5 * 2**20
_START_SECONDS = 10.0


class EmbeddedBroker:
    """One broker, reachable at ``bootstrap_servers`` between ``start`` and ``stop``; a context manager does both."""

    def __init__(self) -> None:
        self._cluster: Producer | None = None
        self._address = ""

    @property
    def bootstrap_servers(self) -> str:
        """``host:port`` for clients.

        Raises:
            BrokerError: it is not running.
        """
        if self._cluster is None:
            raise BrokerError(Code.EMBEDDED_BROKER_UNAVAILABLE, "the embedded broker is not running: start it first")
        return self._address

    def start(self) -> None:
        """Listen on a free port of loopback. A broker that runs already stays as it is.

        Raises:
            BrokerError: this machine does not let it listen.
        """
        if self._cluster is not None:
            return
        # The address in the configuration is never used: the cluster puts its own in its place.
        cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "localhost:1", "log_level": 0})
        try:
            brokers = cluster.list_topics(timeout=_START_SECONDS).brokers
        except KafkaException as error:
            raise BrokerError(
                Code.EMBEDDED_BROKER_UNAVAILABLE,
                f"the embedded broker cannot listen on loopback ({error}): is 127.0.0.1 closed to this process?",
            ) from error
        (broker,) = brokers.values()
        self._address = f"{broker.host}:{broker.port}"
        self._cluster = cluster

    def create_topics(self, *topics: str) -> None:
        """Make topics by naming them.

        Raises:
            BrokerError: it is not running.
        """
        if self._cluster is None:
            raise BrokerError(Code.EMBEDDED_BROKER_UNAVAILABLE, "the embedded broker is not running: start it first")
        for topic in topics:
            self._cluster.list_topics(topic, timeout=_START_SECONDS)

    def stop(self) -> None:
        """Close the listener and forget every event."""
        # The cluster lives and dies with the client that carries it.
        self._cluster = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

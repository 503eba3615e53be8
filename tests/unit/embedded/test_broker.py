"""The broker inside the process is a Kafka to clients, and gone after its stop."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from error_codes import raises_code

from worker.embedded import EmbeddedBroker
from worker.embedded.broker import PARTITIONS
from worker.errors import BrokerError, Code


async def _round_trip(bootstrap: str, topic: str) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait(topic, b"value", key=b"key", headers=[("a", b"1"), ("a", b"2")])
    await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        record = await consumer.getone()
    finally:
        await consumer.stop()
    return record.key, record.value, list(record.headers)


def test_an_event_with_key_and_headers_comes_back_as_it_was_sent() -> None:
    with EmbeddedBroker() as broker:
        got = asyncio.run(_round_trip(broker.bootstrap_servers, "events"))
    assert got == (b"key", b"value", [("a", b"1"), ("a", b"2")])


def test_it_listens_on_loopback_only() -> None:
    with EmbeddedBroker() as broker:
        host, _ = broker.bootstrap_servers.rsplit(":", 1)
    assert host == "127.0.0.1"


def test_created_topics_have_the_stated_number_of_partitions() -> None:
    async def partitions(bootstrap: str) -> int:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        try:
            return len(await producer.partitions_for("made"))
        finally:
            await producer.stop()

    with EmbeddedBroker() as broker:
        broker.create_topics("made")
        assert asyncio.run(partitions(broker.bootstrap_servers)) == PARTITIONS


def test_nobody_answers_after_the_stop() -> None:
    with EmbeddedBroker() as broker:
        host, port = broker.bootstrap_servers.rsplit(":", 1)
        socket.create_connection((host, int(port)), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_starting_twice_keeps_the_broker_that_runs() -> None:
    with EmbeddedBroker() as broker:
        address = broker.bootstrap_servers
        broker.start()
        assert broker.bootstrap_servers == address


def test_two_brokers_know_nothing_of_each_other() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert one.bootstrap_servers != other.bootstrap_servers


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda broker: broker.bootstrap_servers, id="address"),
        pytest.param(lambda broker: broker.create_topics("topic"), id="create-topics"),
    ],
)
def test_a_broker_that_is_not_running_says_so(use: Callable[[EmbeddedBroker], object]) -> None:
    broker = EmbeddedBroker()
    with raises_code(BrokerError, Code.EMBEDDED_BROKER_UNAVAILABLE):
        use(broker)
    with broker:
        pass
    with raises_code(BrokerError, Code.EMBEDDED_BROKER_UNAVAILABLE):
        use(broker)

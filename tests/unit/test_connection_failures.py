"""Connection failures that no broker of the tests can produce."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    PolicyViolationError,
)
from error_codes import raises_code

from worker import diagnosis, port_probe
from worker.diagnosis import connected, explained, explaining, first_cause
from worker.embedded.broker import EmbeddedBroker
from worker.errors import BrokerError, Code
from worker.permissions import (
    check_permissions,
    missing_creations,
    missing_permissions,
    topic_codes,
)
from worker.settings import Settings

TLS = Settings(security_protocol="SSL")
LOGIN = Settings(security_protocol="SASL_PLAINTEXT", sasl_username="kim", sasl_password="secret")


def test_of_several_servers_the_one_that_came_furthest_is_told_of() -> None:
    async def listening() -> tuple[Code, str]:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            servers = ("127.0.0.1:1", f"127.0.0.1:{port}")
            with pytest.raises(BrokerError) as raised:
                async with connected(Settings(bootstrap_servers=servers)):
                    pass
        return raised.value.code, str(raised.value).replace(str(port), "PORT")

    code, said = asyncio.run(listening())
    assert code is Code.PROTOCOL_MISMATCH
    assert "127.0.0.1:PORT" in said


def test_a_timeout_is_a_first_cause_although_it_has_one() -> None:
    async def wait() -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError) as raised:
        asyncio.run(wait())
    wrapped = KafkaConnectionError("no connection")
    wrapped.__cause__ = raised.value
    assert first_cause(wrapped) is raised.value


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience for tests."""
    monkeypatch.setattr(diagnosis, "SECONDS", 0.3)
    monkeypatch.setattr(port_probe, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(diagnosis, "NEXT_SECONDS", 0.1)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "{}:{}".format(*server.getsockname())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("settings", [Settings(), TLS, LOGIN], ids=["plaintext", "TLS", "login"])
def test_a_server_that_never_answers_is_not_taken_for_another_service(silent: str, settings: Settings) -> None:
    async def connect() -> None:
        async with connected(settings.model_copy(update={"bootstrap_servers": (silent,)})):
            pass

    with raises_code(BrokerError, Code.BROKER_NOT_RESPONDING) as raised:
        asyncio.run(connect())
    assert silent in str(raised.value)
    assert "0.3 s" in str(raised.value)


@pytest.mark.usefixtures("quick")
def test_a_server_that_hangs_up_once_and_then_is_silent_is_not_taken_for_another_service() -> None:
    async def told() -> Code:
        writers: list[asyncio.StreamWriter] = []

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            if len(writers) == 1:
                writer.close()

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(BrokerError) as raised:
                async with connected(Settings(bootstrap_servers=(f"127.0.0.1:{port}",))):
                    pass
            for writer in writers:
                writer.close()
        return raised.value.code

    assert asyncio.run(told()) is Code.BROKER_NOT_RESPONDING


def test_a_silent_server_does_not_hold_up_the_one_that_answers(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "NEXT_SECONDS", 0.1)

    async def never(*_: object) -> None:
        raise AssertionError("a server is looked into although another one takes us")

    monkeypatch.setattr(diagnosis, "_diagnose", never)

    async def reached(bootstrap: str) -> str:
        # Within less than a silent server is given, so it is not waited for.
        async with (
            asyncio.timeout(diagnosis.SECONDS / 2),
            connected(Settings(bootstrap_servers=(silent, bootstrap))) as connection,
        ):
            return f"{connection.host}:{connection.port}"

    with EmbeddedBroker() as broker:
        assert asyncio.run(reached(broker.bootstrap_servers)) == broker.bootstrap_servers


class Deaf:
    """A connection to a broker that fails at every request."""

    host, port = "::1", 9092

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def send(self, _: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [TimeoutError(), KafkaConnectionError("it broke")], ids=["silent", "broken"])
@pytest.mark.parametrize(
    "asking",
    [
        lambda broker: check_permissions(Settings(), broker),
        lambda broker: missing_permissions(Settings(), broker),
        lambda broker: missing_creations(Settings(), broker, ["t"]),
        lambda broker: topic_codes(broker, ["t"]),
    ],
    ids=["check", "permissions", "creations", "topics"],
)
def test_a_broker_that_fails_amid_the_questions_is_an_error_for_users(
    asking: Callable[[Any], Coroutine[Any, Any, Any]], error: Exception
) -> None:
    with raises_code(BrokerError, Code.CONNECTION_LOST) as raised:
        asyncio.run(asking(Deaf(error)))
    assert "[::1]:9092" in str(raised.value)


@pytest.mark.usefixtures("quick")
def test_a_client_that_gets_no_answer_ends_with_the_reason(silent: str) -> None:
    async def work() -> None:
        async with explaining(Settings(bootstrap_servers=(silent,))):
            raise TimeoutError

    with raises_code(BrokerError, Code.BROKER_NOT_RESPONDING):
        asyncio.run(work())


def test_an_error_that_cannot_be_looked_into_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise LookupError("anything")

    monkeypatch.setattr(diagnosis, "check_brokers", broken)
    told = asyncio.run(explained(Settings(), KafkaConnectionError("it broke")))
    assert isinstance(told, BrokerError)
    assert told.code is Code.KAFKA_ERROR
    assert "it broke" in str(told)


def test_one_server_that_takes_us_is_enough() -> None:
    async def brokers(bootstrap: str) -> bool:
        async with connected(Settings(bootstrap_servers=f"127.0.0.1:1,{bootstrap}")) as connection:
            return connection is not None

    with EmbeddedBroker() as broker:
        assert asyncio.run(brokers(broker.bootstrap_servers))


def test_what_the_broker_answers_is_told_as_it_is() -> None:
    told = asyncio.run(explained(Settings(), PolicyViolationError("three replicas at least")))
    assert isinstance(told, BrokerError)
    assert told.code is Code.KAFKA_ERROR
    assert "[Error 44] PolicyViolationError: three replicas at least" in str(told)


def test_a_connection_that_broke_and_can_be_made_again_is_told_of_as_such() -> None:
    with EmbeddedBroker() as broker:
        settings = Settings(bootstrap_servers=broker.bootstrap_servers)
        told = asyncio.run(explained(settings, KafkaConnectionError("it broke")))
    assert isinstance(told, BrokerError)
    assert told.code is Code.CONNECTION_LOST
    assert "it broke" in str(told)

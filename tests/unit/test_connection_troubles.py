"""What can be told of a broker that does not take us, where a test cannot have a broker that does it."""

import asyncio
import errno
import socket
import ssl

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)

from worker.diagnosis import connected, explained
from worker.embedded.broker import EmbeddedBroker
from worker.errors import BrokerError, SettingError
from worker.permissions import missing_creations, missing_permissions, refused
from worker.refusals import Stage, Talk, trouble_of, unreachable
from worker.settings import Settings

SERVER = "kafka:9092"
TLS = Settings(security_protocol="SSL")
WITH_CERTIFICATE = Settings(security_protocol="SSL", ssl_certfile="ours.pem")
LOGIN = Settings(security_protocol="SASL_PLAINTEXT", sasl_username="kim", sasl_password="secret")


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def distrust(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("settings", "error", "talk", "stage", "says"),
    [
        pytest.param(TLS, distrust(9, "not yet"), None, Stage.TLS, "is not valid yet", id="not valid yet"),
        pytest.param(TLS, distrust(23, "revoked"), None, Stage.TLS, "is not valid (revoked)", id="revoked"),
        pytest.param(
            TLS, alert("SSLV3_ALERT_HANDSHAKE_FAILURE"), None, Stage.TLS, "wants a client certificate", id="TLS 1.2"
        ),
        pytest.param(
            WITH_CERTIFICATE, alert("TLSV1_ALERT_UNKNOWN_CA"), None, Stage.TLS, "refuses our certificate ours.pem",
            id="a CA that the broker does not know",
        ),
        pytest.param(
            TLS, alert("TLSV1_ALERT_PROTOCOL_VERSION"), None, Stage.TLS, "none of our TLS versions", id="TLS versions"
        ),
        pytest.param(
            WITH_CERTIFICATE, alert("TLSV1_ALERT_INTERNAL_ERROR"), None, Stage.TLS, "its log says why", id="the broker"
        ),
        pytest.param(LOGIN, EOFError(), None, Stage.PROTOCOL, "does not talk Kafka's protocol", id="not Kafka"),
        pytest.param(
            LOGIN, EOFError(), Talk("SASL_PLAINTEXT"), Stage.PROTOCOL, "broke the connection off", id="it hung up"
        ),
        pytest.param(
            TLS, EOFError(), Talk("SSL", certain=False), Stage.PROTOCOL, "talks SSL as we do", id="perhaps a login"
        ),
    ],
)  # fmt: skip
def test_a_cause_is_one_sentence_with_the_way_out(
    settings: Settings, error: Exception, talk: Talk | None, stage: Stage, says: str
) -> None:
    trouble = trouble_of(settings, SERVER, error, talk)
    assert trouble.stage is stage
    assert says in trouble.sentence
    assert SERVER in trouble.sentence


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "its name cannot be resolved"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nothing listens there"),
        (TimeoutError(), "no connection within 7 s"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "No route to host"),
    ],
    ids=["name", "port", "firewall", "network"],
)
def test_an_address_that_cannot_be_reached_is_named_with_the_reason(error: OSError, says: str) -> None:
    sentence = unreachable(SERVER, error, 7.0).sentence
    assert sentence.startswith(f"no Kafka broker answers at {SERVER} (")
    assert says in sentence
    assert "--bootstrap-servers" in sentence


def test_of_several_servers_the_one_that_came_furthest_is_told_of() -> None:
    async def listening() -> str:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            servers = ("127.0.0.1:1", f"127.0.0.1:{port}")
            with pytest.raises(BrokerError) as raised:
                async with connected(Settings(bootstrap_servers=servers)):
                    pass
        return str(raised.value).replace(str(port), "PORT")

    assert asyncio.run(listening()).startswith("what listens at 127.0.0.1:PORT does not talk Kafka's protocol")


def test_a_server_that_is_no_address_is_a_wrong_setting() -> None:
    async def connect() -> None:
        async with connected(Settings(bootstrap_servers="kafka:port")):
            pass

    with pytest.raises(SettingError, match="'kafka:port' is not host:port"):
        asyncio.run(connect())


def test_one_server_that_takes_us_is_enough() -> None:
    async def brokers(bootstrap: str) -> bool:
        async with connected(Settings(bootstrap_servers=f"127.0.0.1:1,{bootstrap}")) as connection:
            return connection is not None

    with EmbeddedBroker() as broker:
        assert asyncio.run(brokers(broker.bootstrap_servers))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TopicAuthorizationFailedError("text-events"), "User:kim may not Read the topic 'text-events': allow it"),
        (
            TopicAuthorizationFailedError({"b", "a"}),
            "User:kim may not Write the topic 'a', nor Write the topic 'b': allow it",
        ),
        (GroupAuthorizationFailedError("any"), "User:kim may not Read the group 'sentiment-worker': allow it"),
    ],
    ids=["input", "outputs", "group"],
)
def test_a_permission_that_a_client_misses_is_named(error: Exception, says: str) -> None:
    assert str(refused(LOGIN, error)).startswith(says)


def test_what_the_broker_answers_is_told_as_it_is() -> None:
    told = asyncio.run(explained(Settings(), PolicyViolationError("three replicas at least")))
    assert "answers: [Error 44] PolicyViolationError: three replicas at least" in str(told)


def test_a_connection_that_broke_and_can_be_made_again_is_told_of_as_such() -> None:
    with EmbeddedBroker() as broker:
        settings = Settings(bootstrap_servers=broker.bootstrap_servers)
        told = asyncio.run(explained(settings, KafkaConnectionError("it broke")))
    assert "answers now, and did not a moment ago" in str(told)


def test_a_broker_that_knows_no_permissions_refuses_none() -> None:
    async def missing(settings: Settings) -> list[object]:
        async with connected(settings) as connection:
            missing = await missing_permissions(settings, connection)
            return [*missing, *await missing_creations(settings, connection, settings.topics)]

    with EmbeddedBroker() as broker:
        assert asyncio.run(missing(Settings(bootstrap_servers=broker.bootstrap_servers))) == []

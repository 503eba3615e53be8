"""Each way in which Kafka does not let us in is one sentence with the setting to change."""

import errno
import socket
import ssl

import pytest

from worker.errors import Code
from worker.refusals import PortProtocol, Stage, failure_of, unreachable
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
    ("settings", "error", "spoken", "stage", "code", "says"),
    [
        pytest.param(
            TLS, distrust(9, "not yet"), None, Stage.TLS, Code.BROKER_CERTIFICATE_REFUSED, "clock", id="not valid yet"
        ),
        pytest.param(
            TLS, distrust(23, "revoked"), None, Stage.TLS, Code.BROKER_CERTIFICATE_REFUSED, "revoked", id="revoked"
        ),
        pytest.param(
            TLS,
            alert("SSLV3_ALERT_BAD_CERTIFICATE"),
            None,
            Stage.TLS,
            Code.CLIENT_CERTIFICATE_REFUSED,
            "ssl_certfile",
            id="TLS 1.2",
        ),
        pytest.param(
            TLS,
            alert("SSLV3_ALERT_HANDSHAKE_FAILURE"),
            None,
            Stage.TLS,
            Code.TLS_HANDSHAKE_FAILED,
            "ssl_certfile",
            id="perhaps a certificate, perhaps the ciphers",
        ),
        pytest.param(
            TLS,
            alert("TLSV1_ALERT_INTERNAL_ERROR"),
            None,
            Stage.TLS,
            Code.TLS_HANDSHAKE_FAILED,
            "internal error",
            id="no certificate, and not for that",
        ),
        pytest.param(TLS, TimeoutError(), None, Stage.PROTOCOL, Code.BROKER_NOT_RESPONDING, "10 s", id="hung"),
        pytest.param(
            LOGIN,
            TimeoutError(),
            PortProtocol("SASL_PLAINTEXT"),
            Stage.PROTOCOL,
            Code.BROKER_NOT_RESPONDING,
            "SASL_PLAINTEXT",
            id="slow",
        ),
        pytest.param(
            LOGIN,
            TimeoutError(),
            PortProtocol("PLAINTEXT"),
            Stage.PROTOCOL,
            Code.PROTOCOL_MISMATCH,
            "security_protocol=PLAINTEXT",
            id="silent, and another protocol",
        ),
        pytest.param(
            WITH_CERTIFICATE,
            alert("TLSV1_ALERT_UNKNOWN_CA"),
            None,
            Stage.TLS,
            Code.CLIENT_CERTIFICATE_REFUSED,
            "ours.pem",
            id="a CA that the broker does not know",
        ),
        pytest.param(
            TLS,
            alert("TLSV1_ALERT_PROTOCOL_VERSION"),
            None,
            Stage.TLS,
            Code.TLS_HANDSHAKE_FAILED,
            "TLS 1.2",
            id="TLS versions",
        ),
        pytest.param(
            WITH_CERTIFICATE,
            alert("TLSV1_ALERT_INTERNAL_ERROR"),
            None,
            Stage.TLS,
            Code.TLS_HANDSHAKE_FAILED,
            "internal error",
            id="the broker",
        ),
        pytest.param(
            LOGIN, EOFError(), None, Stage.PROTOCOL, Code.PROTOCOL_MISMATCH, "--bootstrap-servers", id="not Kafka"
        ),
        pytest.param(
            LOGIN,
            EOFError(),
            PortProtocol("SASL_PLAINTEXT"),
            Stage.PROTOCOL,
            Code.CONNECTION_LOST,
            "SASL_PLAINTEXT",
            id="it hung up",
        ),
        pytest.param(
            TLS,
            EOFError(),
            PortProtocol("SSL", certain=False),
            Stage.PROTOCOL,
            Code.CONNECTION_LOST,
            "SSL",
            id="perhaps a login",
        ),
    ],
)
def test_a_cause_is_one_sentence_with_the_way_out(
    settings: Settings, error: Exception, spoken: PortProtocol | None, stage: Stage, code: Code, says: str
) -> None:
    failure = failure_of(settings, SERVER, error, spoken, seconds=10.0)
    assert (failure.stage, failure.code) == (stage, code)
    assert says in failure.sentence
    assert SERVER in failure.sentence


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
    failure = unreachable(SERVER, error, 7.0)
    assert failure.code is Code.BROKER_UNREACHABLE
    assert [part for part in (SERVER, says, "--bootstrap-servers") if part not in failure.sentence] == []

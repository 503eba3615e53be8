"""The ways in which Kafka refuses a connection, each as one sentence with the setting to change.

Pure: it is given the error and the protocol of the port, and does no I/O.
"""

import socket
import ssl
from dataclasses import dataclass
from enum import IntEnum

from worker.errors import Code
from worker.redaction import redacted
from worker.settings import Settings

# OpenSSL's codes for a certificate that it does not accept.
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})

_LOGIN_REFUSED = "SaslAuthenticationFailed"


class Stage(IntEnum):
    """How far a connection got."""

    REACH = 0
    PROTOCOL = 1
    TLS = 2
    LOGIN = 3


@dataclass(frozen=True, slots=True)
class ConnectionFailure:
    """The reason why a server did not accept us."""

    stage: Stage
    code: Code
    sentence: str


@dataclass(frozen=True, slots=True)
class PortProtocol:
    """The protocol that a port was found to speak."""

    protocol: str
    """A value of ``security_protocol``."""
    mechanisms: tuple[str, ...] = ()
    """The SASL mechanisms that it offers; empty if it offers none."""
    certain: bool = True
    """False for a port that speaks TLS: before the handshake is complete, it does not say whether it wants a login."""


def unreachable(server: str, error: OSError, seconds: float) -> ConnectionFailure:
    """Return what is wrong with an address at which no connection can be opened.

    Args:
        error: what opening it raised.
        seconds: how long opening it was tried.
    """
    way_out = "start one, or name yours with --bootstrap-servers"
    if isinstance(error, socket.gaierror):
        why, way_out = "its name cannot be resolved", "correct --bootstrap-servers, or the name server"
    elif isinstance(error, ConnectionRefusedError):
        why = "nothing listens there"
    elif isinstance(error, TimeoutError):
        why = f"no connection within {seconds:g} s"
        way_out = "check for a firewall in between, or name yours with --bootstrap-servers"
    else:
        why = error.strerror or str(error)
    return ConnectionFailure(
        Stage.REACH, Code.BROKER_UNREACHABLE, f"no Kafka broker answers at {server} ({why}): {way_out}"
    )


def is_conclusive(error: BaseException) -> bool:
    """Return whether a root cause is clear without knowing the protocol of the port."""
    return isinstance(error, ssl.SSLCertVerificationError) or _is_alert(error) or type(error).__name__ == _LOGIN_REFUSED


def failure_of(
    settings: Settings,
    server: str,
    error: BaseException,
    spoken: PortProtocol | None,
    *,
    seconds: float,
    expired: bool = False,
) -> ConnectionFailure:
    """Return what is wrong with a server that listens and did not accept us.

    Args:
        error: the root cause.
        spoken: the protocol of the port; None if it is not Kafka's, or the port does not answer.
        seconds: how long the server was given to accept us.
        expired: whether our own certificate has expired.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionFailure(Stage.TLS, Code.BROKER_CERTIFICATE_REFUSED, _distrusted(settings, server, error))
    if _is_alert(error):
        return _alerted(settings, server, str(getattr(error, "reason", "")), expired)
    kind = type(error).__name__
    if kind == _LOGIN_REFUSED:
        return ConnectionFailure(
            Stage.LOGIN,
            Code.LOGIN_REFUSED,
            f"Kafka at {server} does not accept the {settings.sasl_mechanism} login of the user "
            f"{settings.sasl_username!r}: check sasl_username and sasl_password, and whether this user exists for "
            f"sasl_mechanism={settings.sasl_mechanism} ({_said(error)})",
        )
    if spoken is not None and not _is_ours(settings.security_protocol, spoken):
        return ConnectionFailure(Stage.PROTOCOL, Code.PROTOCOL_MISMATCH, _other_protocol(settings, server, spoken))
    if kind == "UnsupportedSaslMechanismError":
        offered = ", ".join(spoken.mechanisms) if spoken is not None else ""
        return ConnectionFailure(
            Stage.LOGIN,
            Code.LOGIN_MECHANISM_UNSUPPORTED,
            f"Kafka at {server} offers no {settings.sasl_mechanism} login: set sasl_mechanism to one that it offers"
            + (f" ({offered})" if offered else ""),
        )
    if isinstance(error, TimeoutError):
        return ConnectionFailure(Stage.PROTOCOL, Code.BROKER_NOT_RESPONDING, _unanswered(server, spoken, seconds))
    if spoken is None:
        return ConnectionFailure(
            Stage.PROTOCOL,
            Code.PROTOCOL_MISMATCH,
            f"what listens at {server} does not speak Kafka's protocol, neither in plaintext nor over TLS: "
            "correct --bootstrap-servers",
        )
    return ConnectionFailure(
        Stage.PROTOCOL,
        Code.CONNECTION_LOST,
        f"Kafka at {server} speaks {spoken.protocol} as we do, but closed the connection ({_said(error)}): "
        "try again; if that does not help, the broker's log says why",
    )


def _distrusted(settings: Settings, server: str, error: ssl.SSLCertVerificationError) -> str:
    whose = f"the certificate of the broker at {server}"
    if error.verify_code == _EXPIRED:
        return f"{whose} has expired: renew it there (or correct the clock here)"
    if error.verify_code == _NOT_YET_VALID:
        return f"{whose} is not valid yet: correct the clock here, or the certificate there"
    if error.verify_code in _OTHER_NAME:
        return (
            f"{whose} is for another host name: name it in bootstrap_servers (and advertised.listeners) as its "
            f"certificate does, or give it one for this name ({error.verify_message.rstrip('.')})"
        )
    if error.verify_code in _UNKNOWN_ISSUER:
        trusted = settings.ssl_cafile or "the system's CAs, since ssl_cafile is not set"
        return (
            f"{whose} is not signed by a CA that we trust ({trusted}): set ssl_cafile to the PEM file of the CA that "
            "signed it"
        )
    return f"{whose} is not valid ({error.verify_message}): renew it there, or check ssl_cafile"


def _alerted(settings: Settings, server: str, reason: str, expired: bool) -> ConnectionFailure:
    alert = reason.partition("ALERT_")[2].replace("_", " ").lower()
    ours = settings.ssl_certfile
    breaks_off = f"the broker at {server} aborts the TLS handshake ({alert})"
    code = Code.TLS_HANDSHAKE_FAILED
    sentence = f"{breaks_off}: its log says why"
    if "VERSION" in reason:
        sentence = f"the broker at {server} accepts none of our TLS versions ({alert}): enable TLS 1.2 or 1.3 there"
    elif ours is None:
        if "CERTIFICATE" in reason:
            code = Code.CLIENT_CERTIFICATE_REFUSED
            sentence = f"the broker at {server} wants a client certificate ({alert}): set ssl_certfile and ssl_keyfile"
        elif "HANDSHAKE_FAILURE" in reason:
            sentence += "; perhaps it wants a client certificate (ssl_certfile and ssl_keyfile)"
    elif "CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
        code = Code.CLIENT_CERTIFICATE_REFUSED
        sentence = (
            f"our certificate {ours} has expired, and the broker at {server} refuses it: renew it"
            if expired
            else f"the broker at {server} refuses our certificate {ours} ({alert}): set ssl_certfile to one "
            "that is signed by a CA that the broker trusts (ssl.truststore there)"
        )
    return ConnectionFailure(Stage.TLS, code, sentence)


def _unanswered(server: str, spoken: PortProtocol | None, seconds: float) -> str:
    if spoken is None:
        return (
            f"the server at {server} accepts connections but does not answer within {seconds:g} s: look at the "
            "broker, which is overloaded, paused or stuck; or correct --bootstrap-servers, if it is not a broker"
        )
    return (
        f"Kafka at {server} speaks {spoken.protocol} as we do, but does not answer all requests within "
        f"{seconds:g} s: look at the broker, which is overloaded or stuck"
    )


def _other_protocol(settings: Settings, server: str, spoken: PortProtocol) -> str:
    wanted = (
        spoken.protocol
        if spoken.certain
        else f"{spoken.protocol} (or SASL_{spoken.protocol}, if it also requires a login)"
    )
    sentence = (
        f"the port {server} does not speak {settings.security_protocol}: set security_protocol={wanted}, or name "
        "another port with --bootstrap-servers"
    )
    if spoken.mechanisms and not settings.security_protocol.startswith("SASL"):
        mechanisms = " or ".join(spoken.mechanisms)
        sentence += f"; it requires a {mechanisms} login: set sasl_mechanism, sasl_username and sasl_password"
    return sentence


def _is_ours(protocol: str, spoken: PortProtocol) -> bool:
    return protocol == spoken.protocol or (not spoken.certain and protocol.endswith("SSL"))


def _is_alert(error: BaseException) -> bool:
    """Return whether the other end aborted the TLS handshake with an alert."""
    return isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")


def _said(error: BaseException) -> str:
    said = getattr(error, "args", ())
    return redacted(str(said[0]) if said and said[0] else type(error).__name__).rstrip(". ")

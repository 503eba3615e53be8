"""How to reach Kafka, and what to say when that fails: one place for every client of ours."""

import ssl
from typing import Any

from worker.errors import BrokerError, SettingError
from worker.settings import Settings

UNREACHABLE = frozenset({"KafkaConnectionError", "NoBrokersAvailable", "KafkaTimeoutError", "NodeNotReadyError"})
UNAUTHORISED = frozenset(
    {
        "AuthenticationFailedError",
        "SaslAuthenticationFailed",
        "SaslAuthenticationFailedError",
        "AuthenticationMethodNotSupported",
        "UnsupportedSaslMechanismError",
    }
)


def client_options(settings: Settings) -> dict[str, Any]:
    """Where and how to connect, as aiokafka's and kafka-python's clients both call it.

    Raises:
        SettingError: a certificate or key cannot be used.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password and settings.sasl_password.get_secret_value()
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    return options


def broker_error(settings: Settings, error: Exception) -> BrokerError:
    """A client's error as one sentence with the way out."""
    servers = ",".join(settings.bootstrap_servers)
    kind = type(error).__name__
    if kind in UNREACHABLE:
        return BrokerError(
            f"no Kafka broker answers at {servers} by {settings.security_protocol}: start one, name yours by "
            "--bootstrap-servers, or set security_protocol to what it talks"
        )
    if kind in UNAUTHORISED:
        return BrokerError(
            f"Kafka at {servers} does not accept our {settings.sasl_mechanism} login: "
            "see sasl_mechanism, sasl_username and sasl_password in `sentiment-worker config`"
        )
    return BrokerError(f"Kafka at {servers} answers: {str(error) or kind}")


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ssl_cafile)
        if settings.ssl_certfile is not None:
            password = settings.ssl_key_password.get_secret_value() if settings.ssl_key_password else None
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, password)
    except OSError as error:  # ssl.SSLError is one
        raise SettingError(
            f"the TLS files cannot be used ({error}): check ssl_cafile, ssl_certfile, ssl_keyfile and ssl_key_password"
        ) from error
    return context

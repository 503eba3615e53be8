"""Connecting to Kafka: the options of every client, one request to a broker, and our principal."""

import ssl
import time
from typing import Any

from worker.address import host_port
from worker.errors import BrokerError, Code, SettingError
from worker.redaction import hide
from worker.settings import Settings


def client_options(settings: Settings) -> dict[str, Any]:
    """Return the connection options that aiokafka's and kafka-python's clients share.

    From then on, the passwords are hidden in logs.

    Raises:
        SettingError: a certificate or key cannot be used.
    """
    secrets = (settings.sasl_password, settings.ssl_key_password)
    hide(*(secret.get_secret_value() for secret in secrets if secret is not None))
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


async def ask(connection: Any, request: Any) -> Any:
    """Send a request to a broker and return the response; None if the broker does not know the request.

    Args:
        connection: an ``AIOKafkaConnection``.

    Raises:
        BrokerError: the broker does not answer, or the connection broke.
    """
    from aiokafka.errors import IncompatibleBrokerVersion, KafkaError

    try:
        return await connection.send(request)
    except (IncompatibleBrokerVersion, NotImplementedError):
        return None
    except (KafkaError, TimeoutError) as error:
        why = "does not answer in time" if isinstance(error, TimeoutError) else f"broke off: {error}"
        raise BrokerError(
            Code.CONNECTION_LOST,
            f"Kafka at {host_port(connection.host, connection.port)} took our connection, and then {why}: try again; "
            "if that does not help, look at the broker",
        ) from error


def principal(settings: Settings) -> str:
    """Return the principal that the brokers know us as, as their ACLs name it."""
    if settings.security_protocol.startswith("SASL"):
        return f"User:{settings.sasl_username}"
    if settings.security_protocol == "SSL" and settings.ssl_certfile is not None:
        return f"User:{certificate_subject(settings) or settings.ssl_certfile}"
    return "User:ANONYMOUS"


def certificate_subject(settings: Settings) -> str | None:
    """Return the subject of our certificate as Kafka writes it, last part first; None if no certificate is readable."""
    names = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}
    names |= {"localityName": "L", "stateOrProvinceName": "ST"}
    parts = [part for group in _certificate(settings).get("subject", ()) for part in group]
    return ",".join(f"{names.get(name, name)}={value}" for name, value in reversed(parts)) or None


def certificate_expired(settings: Settings) -> bool:
    """Return whether our certificate, if one is readable, has expired."""
    last = _certificate(settings).get("notAfter")
    return last is not None and ssl.cert_time_to_seconds(last) < time.time()


def _certificate(settings: Settings) -> dict[str, Any]:
    """Return our certificate in the form of ``SSLSocket.getpeercert``, by a function that CPython has for its tests."""
    read = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)
    if read is None or settings.ssl_certfile is None:
        return {}
    try:
        certificate: dict[str, Any] = read(str(settings.ssl_certfile))
    except (OSError, ValueError):
        return {}
    return certificate


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ssl_cafile)
    except OSError as error:  # ssl.SSLError is one
        raise SettingError(
            Code.CERTIFICATE_UNUSABLE, f"ssl_cafile={settings.ssl_cafile} is not a PEM file ({error})"
        ) from error
    if settings.ssl_certfile is None:
        return context
    key, password = settings.ssl_keyfile or settings.ssl_certfile, settings.ssl_key_password
    asked: list[bool] = []

    def tell_password() -> str:  # without one, OpenSSL would ask the terminal for it
        asked.append(True)
        return password.get_secret_value() if password is not None else ""

    try:
        context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, tell_password)
    except OSError as error:
        if asked and getattr(error, "reason", None) != "KEY_VALUES_MISMATCH":
            wrong = "is not its password" if password is not None else "is missing, and the key is encrypted"
            raise SettingError(
                Code.CERTIFICATE_UNUSABLE, f"the key {key} cannot be read: ssl_key_password {wrong}"
            ) from error
        if isinstance(error, FileNotFoundError):
            missing = dict.fromkeys(str(path) for path in (settings.ssl_certfile, key) if not path.is_file())
            raise SettingError(
                Code.CERTIFICATE_UNUSABLE, f"there is no file {', '.join(missing)}: check ssl_certfile and ssl_keyfile"
            ) from error
        raise SettingError(
            Code.CERTIFICATE_UNUSABLE,
            f"ssl_certfile={settings.ssl_certfile} and ssl_keyfile={key} are not a PEM certificate and key ({error})",
        ) from error
    return context

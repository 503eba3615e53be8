"""Why Kafka does not let us in: one sentence that names the first cause and the setting to change.

A client tries its servers, notes in its log why each of them failed, and raises that none could be reached. Here each
server is tried by one connection of our own whose first error is kept. Where that error is only that the other end hung
up, the port is asked what it talks.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from worker.connection import certificate_expired, client_options
from worker.errors import BrokerError, SettingError
from worker.permissions import refused
from worker.refusals import Talk, Trouble, says_all, trouble_of, unreachable
from worker.settings import Settings

SECONDS = 10.0
"""For one connection, logged in, to one server."""
PROBE_SECONDS = 3.0
"""For a question to a port, after a connection to it has failed."""

Address = tuple[str, int]


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """Give a connection, logged in, to the first bootstrap server that takes us, as an ``AIOKafkaConnection``.

    Raises:
        BrokerError: none does; it says why.
        SettingError: a certificate or key cannot be used.
    """
    options = client_options(settings)
    servers = {server: _address(server) for server in options.pop("bootstrap_servers")}
    troubles = []
    for server, address in servers.items():
        try:
            connection = await _connect(address, options)
        except Exception as error:
            troubles.append(await _trouble(settings, server, address, options, error))
            continue
        try:
            yield connection
            return
        finally:
            await connection.close()
    # Who came further tells more: a server that is down is no news where another one refuses our password.
    raise BrokerError(max(troubles, key=lambda trouble: trouble.stage).sentence)


async def check_connection(settings: Settings) -> None:
    """Connect to a bootstrap server and log in.

    Raises:
        BrokerError: none takes us; it says why.
        SettingError: a certificate or key cannot be used.
    """
    async with connected(settings):
        pass


async def explained(settings: Settings, error: Exception) -> Exception:
    """Return a client's error as one sentence with the way out; where it names no cause, Kafka is asked for it."""
    if (refusal := refused(settings, error)) is not None:
        return refusal
    servers = ",".join(settings.bootstrap_servers)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "BrokerResponseError" in kinds and not kinds & {"RequestTimedOutError", "SaslAuthenticationFailed"}:
        return BrokerError(f"Kafka at {servers} answers: {str(error) or type(error).__name__}")
    try:
        await _check_every_broker(settings)
    except (BrokerError, SettingError) as cause:
        return cause
    said = str(error) or type(error).__name__
    return BrokerError(f"Kafka at {servers} answers now, and did not a moment ago ({said}): try again")


async def _check_every_broker(settings: Settings) -> None:
    """Connect to all brokers that the cluster names: a client goes to the addresses that it is told.

    Raises:
        BrokerError: there is one to which we cannot; it says why.
    """
    from aiokafka.protocol.metadata import MetadataRequest

    async with connected(settings) as connection:
        brokers = (await connection.send(MetadataRequest([]))).brokers
    options = client_options(settings)
    del options["bootstrap_servers"]
    for _, host, port, *_ in brokers:
        try:
            await (await _connect((host, port), options)).close()
        except Exception as error:
            trouble = await _trouble(settings, f"{host}:{port}", (host, port), options, error)
            raise BrokerError(
                f"the cluster sends its clients to {host}:{port} (advertised.listeners), and there: {trouble.sentence}"
            ) from error


def _address(server: str) -> Address:
    from aiokafka.conn import get_ip_port_afi

    try:
        host, port, _ = get_ip_port_afi(server)
    except ValueError:
        raise SettingError(f"bootstrap_servers: {server!r} is not host:port") from None
    return host, port


async def _connect(address: Address, options: Mapping[str, Any], seconds: float = SECONDS) -> Any:
    """Connect, log in and ask for the brokers, which a port that wants a login does not tell without."""
    from aiokafka.conn import create_conn
    from aiokafka.protocol.metadata import MetadataRequest

    async with asyncio.timeout(seconds):
        connection = await create_conn(*address, request_timeout_ms=int(seconds * 1000), **options)
        try:
            await connection.send(MetadataRequest([]))
        except BaseException:
            connection.close()
            raise
    return connection


async def _trouble(
    settings: Settings, server: str, address: Address, options: Mapping[str, Any], error: Exception
) -> Trouble:
    """Find out what is wrong with a server that did not take us."""
    closed = await _try_to_reach(address)
    if closed is not None:
        return unreachable(server, closed, SECONDS)
    first = _first_cause(error)
    context: ssl.SSLContext | None = options.get("ssl_context")
    if context is not None and isinstance(first, (OSError, EOFError)) and not isinstance(first, ssl.SSLError):
        first = await _alert(address, context) or first
    talk = None if says_all(first) else await _talk(address, settings.sasl_mechanism)
    return trouble_of(settings, server, first, talk, certificate_expired(settings))


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


async def _try_to_reach(address: Address) -> OSError | None:
    """Return why nothing listens there; None if something does."""
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(*address)
    except OSError as error:  # TimeoutError and socket.gaierror are two
        return error
    await _close(writer)
    return None


async def _alert(address: Address, context: ssl.SSLContext) -> ssl.SSLError | None:
    """Return why the other end refuses our certificate, which with TLS 1.3 it says only after its handshake.

    Nothing is sent: to what comes after its refusal it may answer with a reset, which overtakes the alert.
    """
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(*address, ssl=context)
            try:
                await reader.read(1)
            finally:
                await _close(writer)
    except ssl.SSLError as error:
        return error
    except OSError:
        return None
    return None


async def _talk(address: Address, mechanism: str) -> Talk | None:
    """Find out what a port talks; None if it is not Kafka's language. No password is sent."""
    from aiokafka.protocol.admin import SaslHandShakeRequest

    for protocol, context in (("PLAINTEXT", None), ("SSL", _trusting())):
        if context is not None and not await _talks_tls(address, context):
            continue
        try:
            connection = await _open(address, protocol, context)
        except Exception:
            if context is not None:
                return Talk("SSL", certain=False)
            continue
        try:
            answer = await connection.send(SaslHandShakeRequest(mechanism))
        except Exception:
            return Talk(protocol)
        finally:
            connection.close()
        mechanisms = tuple(answer.enabled_mechanisms)
        return Talk(f"SASL_{protocol}", mechanisms) if mechanisms else Talk(protocol)
    return None


async def _open(address: Address, protocol: str, context: ssl.SSLContext | None) -> Any:
    from aiokafka.conn import create_conn

    milliseconds = int(PROBE_SECONDS * 1000)
    async with asyncio.timeout(PROBE_SECONDS):
        return await create_conn(
            *address, request_timeout_ms=milliseconds, security_protocol=protocol, ssl_context=context
        )


async def _talks_tls(address: Address, context: ssl.SSLContext) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(*address, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
    await _close(writer)
    return True


def _trusting() -> ssl.SSLContext:
    """Take any certificate: nothing is sent but the question what the port talks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, asyncio.TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1)

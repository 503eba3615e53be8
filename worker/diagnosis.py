"""Why Kafka does not let us in: one sentence that names the first cause and the setting to change.

A client tries its servers, notes in its log why each of them failed, and raises that none could be reached. Here each
server is tried by one connection of our own whose first error is kept. Where that error is only that the other end hung
up, the port is asked what it speaks.
"""

import asyncio
import logging
import ssl
from asyncio.staggered import staggered_race
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from worker.address import host_port
from worker.connection import ask, certificate_expired, client_options
from worker.errors import BrokerError, Code, SettingError
from worker.permissions import check_permissions, names_no_topic, refused
from worker.redaction import redacted
from worker.refusals import ConnectionFailure, PortProtocol, failure_of, is_conclusive, unreachable
from worker.settings import Settings

logger = logging.getLogger(__name__)

SECONDS = 10.0
"""For one connection, logged in, to one server."""
NEXT_SECONDS = 1.0
"""After which the next server is tried, too, while one does not answer."""
PROBE_SECONDS = 3.0
"""For a question to a port, after a connection to it has failed."""

Address = tuple[str, int]


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """Give a connection, logged in, to the first bootstrap server that takes us, as an ``AIOKafkaConnection``.

    A server that does not answer holds the next one up by no more than ``NEXT_SECONDS``, and why one does not take us
    is looked into only where none does.

    Raises:
        BrokerError: none does; it says why.
        SettingError: a certificate or key cannot be used.
    """
    options = client_options(settings)
    servers = {server: _address(server) for server in options.pop("bootstrap_servers")}
    attempts = [partial(_connect, address, options) for address in servers.values()]
    connection, _, errors = await staggered_race(attempts, NEXT_SECONDS)
    if connection is None:
        diagnoses = [
            _diagnose(settings, server, address, options, error)
            for (server, address), error in zip(servers.items(), errors, strict=True)
            if isinstance(error, Exception)
        ]
        failures = await asyncio.gather(*diagnoses)
        # Who came further tells more: a server that is down is no news where another one refuses our password.
        first = max(failures, key=lambda failure: failure.stage)
        raise BrokerError(first.code, first.sentence)
    try:
        yield connection
    finally:
        await connection.close()


async def check_connection(settings: Settings) -> None:
    """Connect to a bootstrap server and log in.

    Raises:
        BrokerError: none takes us; it says why.
        SettingError: a certificate or key cannot be used.
    """
    async with connected(settings):
        pass


@asynccontextmanager
async def explaining(settings: Settings, operation: str = "") -> AsyncIterator[None]:
    """Raise what a Kafka client raises in here as one sentence with the way out.

    Args:
        operation: what is done with a topic, as Kafka names it; without one, what the worker does with it.

    Raises:
        BrokerError: the cluster cannot be reached, does not answer, or refuses us.
        SettingError: a certificate or key cannot be used.
    """
    from aiokafka.errors import KafkaError

    try:
        yield
    except (KafkaError, TimeoutError) as error:
        raise await explained(settings, error, operation) from error


async def explained(settings: Settings, error: Exception, operation: str = "") -> Exception:
    """Return a client's error as one sentence with the way out; where it names no cause, Kafka is asked for it.

    Never raises. Arguments: as above.
    """
    said = redacted(str(error)) or type(error).__name__
    try:
        return await _explained(settings, error, said, operation)
    except (BrokerError, SettingError) as cause:
        return cause
    except Exception as other:  # the error that is to be explained tells more than this one
        logger.debug("an error cannot be looked into", exc_info=other)
        return BrokerError(
            Code.KAFKA_ERROR, f"Kafka at {','.join(settings.bootstrap_servers)} failed us ({said}): look at the broker"
        )


async def _explained(settings: Settings, error: Exception, said: str, operation: str) -> BrokerError:
    if (refusal := refused(settings, error, operation)) is not None:
        if names_no_topic(error) and not operation:
            async with connected(settings) as connection:
                await check_permissions(settings, connection)  # it names those that are missing
        return refusal
    servers = ",".join(settings.bootstrap_servers)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "BrokerResponseError" in kinds and not kinds & {"RequestTimedOutError", "SaslAuthenticationFailed"}:
        return BrokerError(Code.KAFKA_ERROR, f"Kafka at {servers} answers: {said}")
    await check_brokers(settings, every=True)
    return BrokerError(
        Code.CONNECTION_LOST, f"Kafka at {servers} answers now, and did not a moment ago ({said}): try again"
    )


async def check_brokers(settings: Settings, *, every: bool) -> None:
    """Connect to the brokers that the cluster names: a client goes to the addresses that it is told.

    Args:
        every: whether one to which we cannot connect is one too many; otherwise one to which we can is enough.

    Raises:
        BrokerError: it says why we cannot.
        SettingError: a certificate or key cannot be used.
    """
    from aiokafka.protocol.metadata import MetadataRequest

    async with connected(settings) as connection:
        answer = await ask(connection, MetadataRequest([]))
    options = client_options(settings)
    del options["bootstrap_servers"]
    unreached: BrokerError | None = None
    for _, host, port, *_ in answer.brokers if answer is not None else ():
        try:
            await (await _connect((host, port), options)).close()
        except Exception as error:
            server = host_port(host, port)
            failure = await _diagnose(settings, server, (host, port), options, error)
            unreached = BrokerError(
                Code.ADVERTISED_LISTENER_UNUSABLE,
                f"the cluster sends its clients to {server} (advertised.listeners), and there: {failure.sentence}",
            )
            if every:
                break
        else:
            if not every:
                return
    if unreached is not None:
        raise unreached


def _address(server: str) -> Address:
    from aiokafka.conn import get_ip_port_afi

    host, port, _ = get_ip_port_afi(server)
    return host, port


async def _connect(address: Address, options: Mapping[str, Any]) -> Any:
    """Connect, log in and ask for the brokers, which a port that wants a login does not tell without."""
    from aiokafka.conn import create_conn
    from aiokafka.protocol.metadata import MetadataRequest

    async with asyncio.timeout(SECONDS):
        connection = await create_conn(*address, request_timeout_ms=int(SECONDS * 1000), **options)
        try:
            await connection.send(MetadataRequest([]))
        except BaseException:
            connection.close()
            raise
    return connection


async def _diagnose(
    settings: Settings, server: str, address: Address, options: Mapping[str, Any], error: Exception
) -> ConnectionFailure:
    """Find out what is wrong with a server that did not take us."""
    unopened = await _open_port(address)
    if unopened is not None:
        return unreachable(server, unopened, SECONDS)
    first = first_cause(error)
    context: ssl.SSLContext | None = options.get("ssl_context")
    hung_up = isinstance(first, (OSError, EOFError)) and not isinstance(first, (ssl.SSLError, TimeoutError))
    if context is not None and hung_up:
        first = await _receive_alert(address, context) or first
    spoken = None
    if not is_conclusive(first):
        try:
            spoken = await _detect_protocol(address, settings.sasl_mechanism)
        except TimeoutError as silence:
            first = silence
    return failure_of(settings, server, first, spoken, seconds=SECONDS, expired=certificate_expired(settings))


def first_cause(error: BaseException) -> BaseException:
    """Return what an error followed from. A timeout is one: it has a cancellation for its cause, which says less."""
    while error.__cause__ is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    return error


async def _open_port(address: Address) -> OSError | None:
    """Find out whether anything listens there; returns why not."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(*address)
    except OSError as error:  # TimeoutError and socket.gaierror are two
        return error
    await _close(writer)
    return None


async def _receive_alert(address: Address, context: ssl.SSLContext) -> ssl.SSLError | None:
    """Find out why the other end refuses our certificate, which with TLS 1.3 it says only after its handshake.

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


async def _detect_protocol(address: Address, mechanism: str) -> PortProtocol | None:
    """Find out which protocol a port speaks; None if it is not Kafka's. No password is sent.

    Raises:
        TimeoutError: it does not answer.
    """
    from aiokafka.protocol.admin import SaslHandShakeRequest

    silence: TimeoutError | None = None
    for protocol, context in (("PLAINTEXT", None), ("SSL", _trusting())):
        try:
            if context is not None and not await _shake_hands(address, context):
                continue
            connection = await _open(address, protocol, context)
        except TimeoutError as error:
            silence = error
            continue
        except Exception:
            if context is not None:
                return PortProtocol("SSL", certain=False)
            continue
        try:
            answer = await connection.send(SaslHandShakeRequest(mechanism))
        except Exception:
            return PortProtocol(protocol)
        finally:
            connection.close()
        mechanisms = tuple(answer.enabled_mechanisms)
        return PortProtocol(f"SASL_{protocol}", mechanisms) if mechanisms else PortProtocol(protocol)
    if silence is not None:
        raise silence
    return None


async def _open(address: Address, protocol: str, context: ssl.SSLContext | None) -> Any:
    from aiokafka.conn import create_conn

    milliseconds = int(PROBE_SECONDS * 1000)
    async with asyncio.timeout(PROBE_SECONDS):
        return await create_conn(
            *address, request_timeout_ms=milliseconds, security_protocol=protocol, ssl_context=context
        )


async def _shake_hands(address: Address, context: ssl.SSLContext) -> bool:
    """Find out whether a port speaks TLS, by its handshake.

    Raises:
        TimeoutError: it does not answer.
    """
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(*address, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except TimeoutError:
        raise
    except OSError:
        return False
    await _close(writer)
    return True


def _trusting() -> ssl.SSLContext:
    """Take any certificate: nothing is sent but the question what the port speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, asyncio.TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1)

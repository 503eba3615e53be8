"""Finding out why Kafka refuses us: one sentence that names the root cause and the setting to change.

A client tries its servers, logs why each of them failed, and raises that none could be reached. Here each server is
tried by a connection of our own, whose first error is kept. Where that error says only that the other end closed the
connection, the port is probed for its protocol.
"""

import asyncio
import logging
import ssl
from asyncio.staggered import staggered_race
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from worker.address import host_port
from worker.connection import ask, certificate_expired, client_options
from worker.errors import BrokerError, Code, SettingError
from worker.permissions import check_permissions, names_no_topic, refused
from worker.port_probe import Address, detect_protocol, open_port, receive_alert
from worker.redaction import redacted
from worker.refusals import ConnectionFailure, failure_of, is_conclusive, unreachable
from worker.settings import Settings

logger = logging.getLogger(__name__)

SECONDS = 10.0
"""Timeout of connecting to a server, login included."""
NEXT_SECONDS = 1.0
"""After which the next server is tried, too, while one does not answer."""


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """Connect and log in to the first bootstrap server that accepts us; yields an ``AIOKafkaConnection``.

    A server that does not answer delays the next one by no more than ``NEXT_SECONDS``. Failures are diagnosed only
    when every server has failed.

    Raises:
        BrokerError: no server accepts us; the message says why.
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
        # The failure that came furthest tells most: a refused password matters more than another server that is down.
        first = max(failures, key=lambda failure: failure.stage)
        raise BrokerError(first.code, first.sentence)
    try:
        yield connection
    finally:
        await connection.close()


async def check_connection(settings: Settings) -> None:
    """Connect to a bootstrap server and log in.

    Raises:
        BrokerError: no server accepts us; the message says why.
        SettingError: a certificate or key cannot be used.
    """
    async with connected(settings):
        pass


@asynccontextmanager
async def explaining(settings: Settings, operation: str = "") -> AsyncIterator[None]:
    """Turn the errors that a Kafka client raises in this context into one sentence that says what to do.

    Args:
        operation: the operation on a topic, as Kafka names it; without one, what the worker does with the topic.

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
    """Turn a client's error into one sentence that says what to do; if it names no cause, ask Kafka for it.

    Never raises. The arguments are those of ``explaining``.
    """
    said = redacted(str(error)) or type(error).__name__
    try:
        return await _explained(settings, error, said, operation)
    except (BrokerError, SettingError) as cause:
        return cause
    except Exception as other:  # the error that is being explained tells more than this one
        logger.debug("diagnosing an error failed", exc_info=other)
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
    """Connect to the brokers that the cluster advertises, since clients connect to the advertised addresses.

    Args:
        every: whether all brokers must accept a connection; otherwise one is enough.

    Raises:
        BrokerError: connecting failed; the message says why.
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
    """Connect, log in and request metadata, which a port that requires a login refuses without one."""
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
    unopened = await open_port(address)
    if unopened is not None:
        return unreachable(server, unopened, SECONDS)
    first = first_cause(error)
    context: ssl.SSLContext | None = options.get("ssl_context")
    hung_up = isinstance(first, (OSError, EOFError)) and not isinstance(first, (ssl.SSLError, TimeoutError))
    if context is not None and hung_up:
        first = await receive_alert(address, context) or first
    spoken = None
    if not is_conclusive(first):
        try:
            spoken = await detect_protocol(address, settings.sasl_mechanism)
        except TimeoutError as silence:
            first = silence
    return failure_of(settings, server, first, spoken, seconds=SECONDS, expired=certificate_expired(settings))


def first_cause(error: BaseException) -> BaseException:
    """Return the root cause of an error. A timeout is a root cause: its own cause, a cancellation, says less."""
    while error.__cause__ is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    return error

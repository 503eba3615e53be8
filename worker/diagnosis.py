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
"""For one connection, logged in, to one server."""
NEXT_SECONDS = 1.0
"""After which the next server is tried, too, while one does not answer."""


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
    """Return what an error followed from. A timeout is one: it has a cancellation for its cause, which says less."""
    while error.__cause__ is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    return error

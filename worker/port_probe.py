"""Questions to a port to which a connection failed: is it open, does it speak TLS, which protocol of Kafka's.

No password is sent.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Any

from worker.refusals import PortProtocol

Address = tuple[str, int]

PROBE_SECONDS = 3.0
"""For a question to a port, after a connection to it has failed."""


async def open_port(address: Address) -> OSError | None:
    """Find out whether anything listens there; returns why not."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(*address)
    except OSError as error:  # TimeoutError and socket.gaierror are two
        return error
    await _close(writer)
    return None


async def receive_alert(address: Address, context: ssl.SSLContext) -> ssl.SSLError | None:
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


async def detect_protocol(address: Address, mechanism: str) -> PortProtocol | None:
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

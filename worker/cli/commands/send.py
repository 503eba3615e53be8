"""``send``: texts and events into a topic."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from worker.cli.shared.console import stderr
from worker.cli.shared.events import event, is_object
from worker.cli.shared.flags import CONNECTION, Flags, with_flags
from worker.cli.shared.lines import lines_as_they_come, opened
from worker.connection import client_options
from worker.diagnosis import check_brokers, connected, explaining
from worker.errors import Code, SettingError
from worker.permissions import missing_creations, present_topics, refusal
from worker.process import run_async
from worker.settings import Settings, load_settings
from worker.text import counted

IN_FLIGHT = 1_000
"""Events sent and not yet acknowledged: enough to fill batches, few enough for a broker that keeps little."""


class As(StrEnum):
    """The format of a line of the input."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"
    RAW = "raw"


@with_flags(*CONNECTION, "text_path", "id_path")
def send(
    flags: Flags,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="texts to send")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="read lines from here; without it: from stdin")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="topic to send to; default: the first of input_topics")] = None,
    key: Annotated[str | None, typer.Option(help="key of every event sent")] = None,
    shape: Annotated[
        As,
        typer.Option(
            "--as",
            help="what a line is: a JSON event, a plain text to make an event of, or bytes to send as they are, "
            "broken or not; auto: JSON events if the first line is a JSON object, texts otherwise",
        ),
    ] = As.AUTO,
) -> None:
    """Send texts or JSON events to a topic and wait until the broker has acknowledged each.

    `sentiment-worker send "I love it"` or `sentiment-worker send < events.jsonl`
    """
    settings = load_settings(**flags)
    topic = topic or settings.input_topics[0]
    if texts and file is not None:
        raise SettingError(Code.CONFLICTING_FLAGS, "there are texts and --file: give one of them")
    skipped: list[int] = []
    if texts:
        sent = run_async(_send(settings, topic, key, _events_of_texts(settings, texts)))
    else:
        with opened(file) as stream:
            sent = run_async(_send(settings, topic, key, _events_of_lines(settings, stream, shape, skipped)))
    servers = ",".join(settings.bootstrap_servers)
    typer.echo(f"{counted(sent, 'event')} acknowledged in {topic} at {servers}")
    if skipped:
        raise typer.Exit(1)


async def _events_of_texts(settings: Settings, texts: list[str]) -> AsyncIterator[bytes]:
    for text in texts:
        yield _event(settings, text)


async def _events_of_lines(
    settings: Settings, stream: IO[bytes], shape: As, skipped: list[int]
) -> AsyncIterator[bytes]:
    """Yield the events of lines; the number of a line without one goes to ``skipped``, with a message."""
    async for number, line in lines_as_they_come(stream):
        if shape is As.AUTO:
            shape = As.JSON if is_object(line) else As.TEXT
        if (sendable := _event_of_line(settings, shape, line)) is not None:
            yield sendable
            continue
        skipped.append(number)
        expected = "UTF-8 text" if shape is As.TEXT else "JSON object"
        stderr().print(f"line {number} is no {expected} and was not sent; --as raw sends it as it is", style="yellow")


def _event_of_line(settings: Settings, shape: As, line: bytes) -> bytes | None:
    if shape is not As.TEXT:
        return line if shape is As.RAW or is_object(line) else None
    try:
        return _event(settings, line.decode())
    except UnicodeDecodeError:
        return None


def _event(settings: Settings, text: str) -> bytes:
    """Return an event around a text, with text and id where the settings say."""
    return event((settings.id_path, str(uuid.uuid4())), (settings.text_path, text))


async def _send(settings: Settings, topic: str, key: str | None, events: AsyncIterator[bytes]) -> int:
    """Send all events; returns how many the broker acknowledged, which is all of them.

    Raises:
        BrokerError: the broker cannot be reached, or refuses an event.
    """
    from aiokafka import AIOKafkaProducer

    await check_brokers(settings, every=False)  # which the client would try without end
    async with connected(settings) as broker:
        if topic not in await present_topics(settings, broker, [topic], "Write"):
            if missing := await missing_creations(settings, broker, [topic]):
                raise refusal(settings, missing)
            stderr().print(
                f"there is no topic {topic!r} yet; where brokers may make topics, this one does", style="yellow"
            )
    producer = AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True, linger_ms=5)
    encoded_key = None if key is None else key.encode()
    sent = 0
    try:
        async with explaining(settings, "Write"):
            await producer.start()
            in_flight: deque[asyncio.Future[Any]] = deque()
            async for event in events:
                in_flight.append(await producer.send(topic, event, key=encoded_key))
                # As lines come, which may be for ever: what the broker refuses is told at once.
                while in_flight and (in_flight[0].done() or len(in_flight) == IN_FLIGHT):
                    await in_flight.popleft()
                    sent += 1
            sent += len(await asyncio.gather(*in_flight))
    finally:
        await producer.stop()
    return sent

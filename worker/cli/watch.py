"""``watch``: what the worker answers, as it comes."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from worker.cli.console import STYLES, stderr, stdout
from worker.cli.flags import CONNECTION, Flags, with_flags
from worker.codec.pointer import Pointer
from worker.connection import broker_error, client_options
from worker.errors import BrokerError
from worker.settings import Settings, load_settings
from worker.verdict import Sentiment

DEAD_LETTER_PREFIX = "__dlq.errors."
SHOWN_CHARACTERS = 300


class Start(StrEnum):
    """Where watching starts."""

    EARLIEST = "earliest"
    LATEST = "latest"


@with_flags(*CONNECTION, "output_topic", "dead_letter_topic", "isolation_level", "text_path")
def watch(
    flags: Flags,
    start: Annotated[Start, typer.Option("--from", help="the oldest event that is kept, or what comes now")] = (
        Start.LATEST
    ),
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="end after so many events")] = None,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="watch the dead letters instead, and why they are")
    ] = False,
) -> None:
    """Show enriched events as they arrive: coloured by polarity in a terminal, otherwise as lines of JSON.

    Reads without a consumer group: nobody's offsets move. Ctrl-C ends it.
    """
    settings = load_settings(**flags)
    console = stdout()
    describe = _dead_letter if dead_letters else _event
    topic = settings.dead_letter_topic if dead_letters else settings.output_topic

    def show(record: Any) -> None:
        if console.is_terminal:
            console.print(describe(record, Pointer.parse(settings.text_path)), soft_wrap=True)
        else:
            typer.echo(_dead_letter_line(record) if dead_letters else _event_line(record))

    asyncio.run(_watch(settings, topic, start, count, show))


async def _watch(settings: Settings, topic: str, start: Start, count: int | None, show: Callable[[Any], None]) -> None:
    """Show ``count`` records of a topic, or all for ever.

    Raises:
        BrokerError: the broker cannot be reached, or there is no such topic.
    """
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

    consumer = AIOKafkaConsumer(
        topic,
        **client_options(settings),
        group_id=None,
        auto_offset_reset=start.value,
        isolation_level=settings.isolation_level,
    )
    try:
        await consumer.start()
        if start is Start.LATEST:
            await consumer.seek_to_end()
        stderr().print(f"watching {topic} from {start} at {','.join(settings.bootstrap_servers)}", style="dim")
        shown = 0
        async for record in consumer:
            show(record)
            shown += 1
            if shown == count:
                return
    except UnknownTopicOrPartitionError as error:
        raise BrokerError(f"there is no topic {topic!r}: `sentiment-worker topics create` makes it") from error
    except KafkaError as error:
        raise broker_error(settings, error) from error
    finally:
        await consumer.stop()


def _event(record: Any, text_path: Pointer) -> Text:
    """One line for a person: polarity, sentiment, text (or the id, where the text was left out)."""
    document = _parsed(record.value)
    verdict, data = _verdict_and_data(document)
    if verdict is None:
        return Text(f"         no verdict  {_shortened(record.value)}", style="dim")
    sentiment = Sentiment(verdict["sentiment"])
    text = text_path.find(data)
    what = text if isinstance(text, str) else str(document.get("id", ""))
    return Text.assemble(
        (f"{verdict['polarity']:+.2f} {sentiment:<8} ", f"bold {STYLES[sentiment]}"), (_one_line(what), "")
    )


def _dead_letter(record: Any, text_path: Pointer) -> Text:
    """One line for a person: the reason, where the event stood, and how it begins."""
    errors = _errors(record)
    place = f"{errors.get('topic')}/{errors.get('partition')}@{errors.get('offset')}"
    return Text.assemble(
        (f"{errors.get('stage', '?'):<8} ", "bold red"),
        (f"{place}  ", "dim"),
        (f"{errors.get('message', '')}  ", "red"),
        (_shortened(record.value), "dim"),
    )


def _event_line(record: Any) -> str:
    """The event as one line of JSON: its bytes as they are, wherever they are that."""
    body = _unframed(record.value)
    if body is None:
        return "null"
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.dumps(body.decode(errors="replace")).decode()
    return (orjson.dumps(parsed) if b"\n" in body else body).decode()


def _dead_letter_line(record: Any) -> str:
    value = None if record.value is None else record.value.decode(errors="replace")
    key = None if record.key is None else record.key.decode(errors="replace")
    return orjson.dumps({"errors": _errors(record), "key": key, "value": value}).decode()


def _errors(record: Any) -> dict[str, str]:
    """What the dead letter's headers say of it, by their names without the prefix."""
    return {
        name.removeprefix(DEAD_LETTER_PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(DEAD_LETTER_PREFIX)
    }


def _parsed(value: bytes | None) -> dict[str, Any]:
    try:
        document = orjson.loads(_unframed(value) or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _verdict_and_data(document: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The verdict, wherever the shape of the event puts it, and the part that carries the text."""
    data = document.get("data")
    for part in (document, data if isinstance(data, dict) else {}):
        for candidate in (part.get("sentiment"), part):
            if isinstance(candidate, dict) and "polarity" in candidate:
                return candidate, part
    return None, document


def _unframed(value: bytes | None) -> bytes | None:
    """The JSON behind Confluent's frame: a zero byte and four of the schema's id."""
    return value[5:] if value and value[0] == 0 else value


def _shortened(value: bytes | None) -> str:
    return "(null)" if value is None else _one_line(value[: 4 * SHOWN_CHARACTERS].decode(errors="replace"))


def _one_line(text: str) -> str:
    """A text that cannot disturb a terminal: one line, no control characters, not endless."""
    line = "".join(character if character.isprintable() else " " for character in text[: SHOWN_CHARACTERS + 1])
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + "…"

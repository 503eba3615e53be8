"""Outputs and dead letters as a line: for a person in a terminal, or as JSON for a program."""

from typing import Any

import orjson
from rich.text import Text

from worker.cli.shared.console import STYLES
from worker.codec.document import parse
from worker.delivery.dead_letters import PREFIX
from worker.errors import Rejection
from worker.pointer import Pointer
from worker.verdict import Sentiment

SHOWN_CHARACTERS = 300


def event_line(record: Any, text_path: Pointer) -> Text:
    """One line for a person: polarity, sentiment, text (or the id, where the text was left out)."""
    document = _parsed(record.value)
    verdict, data = _verdict_and_data(document)
    if verdict is None:
        return Text(f"       no verdict  {_shortened(record.value)}", style="dim")
    sentiment = Sentiment(verdict["sentiment"])
    text = text_path.find(data)
    what = text if isinstance(text, str) else str(document.get("id", ""))
    return Text.assemble(
        (f"{verdict['polarity']:+.2f}  {sentiment:<8}  ", f"bold {STYLES[sentiment]}"), (one_line(what), "")
    )


def dead_letter_line(record: Any) -> Text:
    """One line for a person: the reason, where the event stood, and how it begins."""
    errors = _errors(record)
    place = f"{errors.get('topic')}/{errors.get('partition')}@{errors.get('offset')}"
    return Text.assemble(
        (" dead letter     ", "bold magenta"),
        (f"{errors.get('reason', 'unknown')}: {errors.get('message', '')} ", "magenta"),
        (f"({place})  ", "dim"),
        (_shortened(record.value), "dim"),
    )


def event_json(record: Any) -> str:
    """Return the event as one line of JSON: an object's bytes as they are, anything else as a string."""
    body = _unframed(record.value)
    if body is None:
        return "null"
    if isinstance(parse(body), Rejection):
        return orjson.dumps(body.decode(errors="replace")).decode()
    return body.replace(b"\n", b" ").decode()  # in JSON, only space between values can be a line's end


def dead_letter_json(record: Any) -> str:
    value = None if record.value is None else record.value.decode(errors="replace")
    key = None if record.key is None else record.key.decode(errors="replace")
    return orjson.dumps({"errors": _errors(record), "key": key, "value": value}).decode()


def _errors(record: Any) -> dict[str, str]:
    """Return the dead letter's error headers, by their names without the prefix."""
    return {
        name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }


def _parsed(value: bytes | None) -> dict[str, Any]:
    document = parse(_unframed(value) or b"")
    return {} if isinstance(document, Rejection) else document


def _verdict_and_data(document: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the verdict, wherever the event has it, and the part that carries the text."""
    data = document.get("data")
    for part in (document, data if isinstance(data, dict) else {}):
        for candidate in (part.get("sentiment"), part):
            if isinstance(candidate, dict) and "polarity" in candidate:
                return candidate, part
    return None, document


def _unframed(value: bytes | None) -> bytes | None:
    """Return the JSON behind Confluent's frame: a zero byte and four of the schema's id."""
    return value[5:] if value and value[0] == 0 else value


def _shortened(value: bytes | None) -> str:
    return "(null)" if value is None else one_line(value[: 4 * SHOWN_CHARACTERS].decode(errors="replace"))


def one_line(text: str) -> str:
    """Return a text that cannot disturb a terminal: one line, no control characters, not endless."""
    line = "".join(character if character.isprintable() else " " for character in text[: SHOWN_CHARACTERS + 1])
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + "…"

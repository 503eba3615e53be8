"""Changes to events before they are replayed: by a program of the user's, or by moving the text.

The program gets the events of a batch on its standard input, one JSON object a line (see ``lines.as_object``), and
writes one line for each in the same order: the object with ``key``, ``value`` or ``headers`` changed, or ``null`` to
leave the event out. ``jq -c`` is such a program. It is started once for each batch, so its buffering does not matter.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.lines import as_object, bytes_of
from worker.dead_letters.replaying import Event, Skipped
from worker.errors import Code, SettingError
from worker.pointer import Pointer


async def mended(command: str, letters: Sequence[DeadLetter], events: Sequence[Event]) -> list[Event | Skipped]:
    """Return the events of dead letters as a program has changed them; what it does not change keeps its bytes.

    Raises:
        SettingError: the program failed, or what it wrote is not one object or null for each line that it got.
    """
    if not letters:
        return []
    lines = b"".join(orjson.dumps(as_object(letter)) + b"\n" for letter in letters)
    process = await asyncio.create_subprocess_shell(
        command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate(lines)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise SettingError(
            Code.FILTER_FAILED,
            f"the filter ended with exit code {process.returncode}: mend it and start again; nothing of the last "
            f"{len(letters):,} dead letters was replayed",
        )
    answers = output.splitlines()
    if len(answers) != len(letters):
        raise SettingError(
            Code.FILTER_FAILED,
            f"the filter wrote {len(answers):,} lines for {len(letters):,}: it must write one for each, in their "
            "order, `null` to leave one out (jq needs -c); nothing of them was replayed",
        )
    return [_changed(letter, event, answer) for letter, event, answer in zip(letters, events, answers, strict=True)]


def _changed(letter: DeadLetter, event: Event, answer: bytes) -> Event | Skipped:
    sent = as_object(letter)
    try:
        fields: Any = orjson.loads(answer)
        if fields is None:
            return Skipped.FILTERED
        if not isinstance(fields, dict):
            raise ValueError("is neither an object nor null")
        if fields.get("id") != sent["id"]:
            raise ValueError("has another id than the line that it answers: one line for each, in their order")
        key = event.key if _same(fields, sent, "key") else bytes_of(fields, "key")
        value = event.value if _same(fields, sent, "value") else bytes_of(fields, "value")
        headers = event.headers
        if fields.get("headers", sent["headers"]) != sent["headers"]:
            own = [(str(header["name"]), bytes_of(header, "value")) for header in fields["headers"]]
            headers = [*own, event.headers[-1]]  # the count of replays stays
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if type(error) is ValueError else "has no such form"
        raise SettingError(Code.FILTER_FAILED, f"what the filter wrote for dead letter {sent['id']} {why}") from None
    partition = event.partition if key == event.key else None  # another key has another home
    return replace(event, partition=partition, key=key, value=value, headers=headers)


def _same(fields: dict[str, Any], sent: dict[str, Any], name: str) -> bool:
    """Whether a program left a field as it was, or out."""
    ours = {key: content for key, content in sent.items() if key in (name, f"{name}_base64")}
    theirs = {key: content for key, content in fields.items() if key in (name, f"{name}_base64")}
    return not theirs or ours == theirs


def with_text_moved(event: Event, source: Pointer, target: Pointer) -> Event | Skipped:
    """Return an event whose text stands at ``target``, where it was at ``source``; both are found in the JSON value."""
    try:
        document = orjson.loads(event.value or b"")
    except ValueError:
        return Skipped.NO_TEXT
    text = source.find(document)
    if not isinstance(document, dict) or not isinstance(text, str):
        return Skipped.NO_TEXT
    *parents, last = target.tokens
    place = document
    for parent in parents:
        inner = place.setdefault(parent, {})
        if not isinstance(inner, dict):
            return Skipped.NO_TEXT
        place = inner
    place[last] = text
    return replace(event, value=orjson.dumps(document))

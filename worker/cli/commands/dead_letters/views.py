"""How dead letters are shown: a line each, as JSON, whole, and as counts over time."""

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

import orjson

from worker.cli.shared.rendering import one_line
from worker.dead_letters.advice import advice
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.lines import as_object
from worker.dead_letters.tally import ReasonCounts

#: The intervals of counts, in milliseconds.
COUNTS = {"1m": 60_000, "10m": 600_000, "1h": 3_600_000, "1d": 86_400_000}
_OWN_PLACE = re.compile(r"(\d{1,9})@(\d{1,18})")
_HEX_WIDTH = 16


class Bytes(StrEnum):
    """How bytes are shown."""

    AUTO = "auto"
    TEXT = "text"
    HEX = "hex"
    BASE64 = "base64"


def own_place(name: str) -> tuple[int, int] | None:
    """Return partition and offset in the dead-letter topic, if that is what a name names."""
    found = _OWN_PLACE.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None


def json_line(letter: DeadLetter) -> str:
    """Everything about a dead letter as one line of JSON."""
    return orjson.dumps(as_object(letter)).decode()


def table_line(letter: DeadLetter) -> str:
    """One line for a person: when, where, why, and how the event begins."""
    value = letter.event_value
    begins = "(null)" if value is None else one_line(value[:200].decode(errors="replace"))
    message = letter.errors.get("message", "")
    line = f"{letter.partition}@{letter.offset}  {_time(letter.timestamp)}  {letter.source}  {letter.reason}: {message}"
    return f"{one_line(line)}  {begins}"


def details(letter: DeadLetter, form: Bytes) -> str:
    """Everything about a dead letter, for a person."""
    lines = [
        f"dead letter  {letter.partition}@{letter.offset}, written {_time(letter.timestamp)}",
        f"event        {letter.source}",
        f"reason       {letter.reason}: {letter.errors.get('message', '')}",
        f"what helps   {advice(letter.reason)}",
    ]
    lines += [
        f"{name:<12} {one_line(value)}"
        for name, value in letter.errors.items()
        if name not in ("topic", "partition", "offset", "reason", "message") and value
    ]
    if letter.replays:
        lines.append(f"replays      {letter.replays}")
    if letter.lost:
        lines.append(
            f"lost         {', '.join(letter.lost)}: the event itself is still at its place, if its topic keeps it"
        )
    for name, content in letter.own_headers:
        lines += [f"header       {one_line(name)}", *_indented(content, form)]
    lines += ["key", *_indented(letter.event_key, form), "value", *_indented(letter.event_value, form)]
    return "\n".join(lines)


def counts_table(tally: ReasonCounts) -> str:
    """Return counts by interval and reason, as columns."""
    reasons = tally.reasons
    if not reasons:
        return "no dead letters"
    head = [f"{'from':<20}", *(f"{reason:>{max(8, len(reason))}}" for reason in reasons)]
    rows = [
        [f"{_time(start):<20}", *(f"{counts[reason]:>{max(8, len(reason))},}" for reason in reasons)]
        for start, counts in tally.rows()
    ]
    return "\n".join("  ".join(row) for row in [head, *rows])


def _indented(content: bytes | None, form: Bytes) -> Iterable[str]:
    if content is None:
        return ["    (null)"]
    if form is Bytes.BASE64:
        return ["    " + base64.b64encode(content).decode()]
    if form is not Bytes.HEX:
        try:
            text = content.decode(errors="strict" if form is Bytes.AUTO else "replace")
        except UnicodeDecodeError:
            pass
        else:
            return ["    " + _printable(line) for line in text.splitlines() or [""]]
    return [
        f"    {start:08x}  {content[start : start + _HEX_WIDTH].hex(' '):<{3 * _HEX_WIDTH}} "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in content[start : start + _HEX_WIDTH])
        for start in range(0, len(content), _HEX_WIDTH)
    ] or ["    (empty)"]


def _printable(text: str) -> str:
    """Return a text without control characters, which could disturb a terminal."""
    return "".join(character if character.isprintable() or character == "\t" else " " for character in text)


def _time(milliseconds: int) -> str:
    if milliseconds < 0:
        return "(no time)"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

"""``dead-letters``: look at dead letters, and replay them once their cause is mended."""

import time
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

import typer

from worker.cli.commands.dead_letters.views import (
    COUNTS,
    Bytes,
    counts_table,
    details,
    json_line,
    own_place,
    table_line,
)
from worker.cli.shared.console import stderr
from worker.cli.shared.flags import CONNECTION, Flags, with_flags
from worker.cli.shared.progress import bar
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.replayer import Counts, Order, Replayer
from worker.dead_letters.selection import Selection
from worker.dead_letters.tally import ReasonCounts
from worker.diagnosis import explaining
from worker.errors import BrokerError, Code, Reason, SettingError
from worker.process import run_async
from worker.reading import LATEST, Place, Reader, Span, find_spans, parse_place
from worker.reading.places import EXAMPLES
from worker.reading.topic import partitions_of, reading
from worker.settings import Settings, load_settings
from worker.text import counted

dead_letters = typer.Typer(
    no_args_is_help=True, help="List and show dead letters, and replay them once what made them is mended."
)

Reasons = Annotated[list[Reason] | None, typer.Option("--reason", metavar="REASON", help="of these reasons alone")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", metavar="TOPIC", help="whose event was read from these topics alone")
]
Partitions = Annotated[
    list[int] | None, typer.Option("--partition", min=0, help="whose event was read from these partitions alone")
]
Keys = Annotated[list[str] | None, typer.Option("--key", metavar="KEY", help="whose event has one of these keys")]
From = Annotated[str, typer.Option("--from", metavar="PLACE", help=f"where to begin: {EXAMPLES}")]
Until = Annotated[str, typer.Option("--until", metavar="PLACE", help="where to end, as for --from; now: what is there")]


class Format(StrEnum):
    """The format of a list."""

    TABLE = "table"
    JSONL = "jsonl"
    COUNTS = "counts"


@dead_letters.command("list")
@with_flags(*CONNECTION, "dead_letter_topic")
def list_(
    flags: Flags,
    reason: Reasons = None,
    topic: Topics = None,
    partition: Partitions = None,
    key: Keys = None,
    start: From = "earliest",
    until: Until = "now",
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="end after so many")] = None,
    form: Annotated[
        Format,
        typer.Option("--format", help="a line each, all of it as JSON lines, or counts by reason over time"),
    ] = Format.TABLE,
    every: Annotated[str, typer.Option(metavar="TIME", help=f"interval of counts: {', '.join(COUNTS)}")] = "1h",
) -> None:
    """List dead letters: where each event came from, and why it was not answered.

    Reads without a consumer group: nobody's offsets move.
    """
    settings = load_settings(**flags)
    if every not in COUNTS:
        raise SettingError(Code.INVALID_FLAG, f"--every {every!r} is none of {', '.join(COUNTS)}")
    tally = ReasonCounts(COUNTS[every])
    chosen = _selection(reason, topic, partition, key)
    places = _place("--from", start), _place("--until", until)

    async def show() -> tuple[int, int]:
        read = shown = 0
        async for letter in _letters(settings, *places):
            read += 1
            if letter not in chosen:
                continue
            shown += 1
            if form is Format.COUNTS:
                tally.add([letter])
            else:
                typer.echo(json_line(letter) if form is Format.JSONL else table_line(letter))
            if shown == count:
                break
        return read, shown

    read, shown = run_async(show())
    if form is Format.COUNTS:
        typer.echo(counts_table(tally))
    stderr().print(f"{counted(read, 'dead letter')} read, {shown:,} selected", style="dim")


@dead_letters.command()
@with_flags(*CONNECTION, "dead_letter_topic")
def show(
    flags: Flags,
    place: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="PARTITION@OFFSET in the dead-letter topic, or TOPIC-PARTITION@OFFSET of the event",
        ),
    ],
    form: Annotated[Bytes, typer.Option("--as", help="how to show key, value and headers")] = Bytes.AUTO,
    start: From = "earliest",
) -> None:
    """Show one dead letter whole: the event's key, value and headers, why it was not answered, and what would help."""
    settings = load_settings(**flags)
    begin = _place("--from", start)

    async def find() -> DeadLetter | None:
        async for letter in _letters(settings, begin, LATEST, own_place(place)):
            if place in (f"{letter.partition}@{letter.offset}", letter.source):
                return letter
        return None

    letter = run_async(find())
    if letter is None:
        raise BrokerError(
            Code.DEAD_LETTER_NOT_FOUND,
            f"{settings.dead_letter_topic} has no dead letter {place!r}: `sentiment-worker dead-letters list` shows "
            "both names of each",
        )
    typer.echo(details(letter, form))


@dead_letters.command()
@with_flags(*CONNECTION, "dead_letter_topic", "group_id", "text_path")
def replay(
    flags: Flags,
    reason: Reasons = None,
    topic: Topics = None,
    partition: Partitions = None,
    key: Keys = None,
    start: From = "earliest",
    until: Until = "now",
    to: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="write to this topic; default: where each was read from")
    ] = None,
    through: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="a program that mends events: reads one JSON object a line (id, errors, key, value, headers), and "
            "writes one for each, or null to leave it out; `jq -c` is one",
        ),
    ] = None,
    set_text_path: Annotated[
        str | None,
        typer.Option(metavar="POINTER", help="move the text from this JSON Pointer to where --text-path says"),
    ] = None,
    max_attempts: Annotated[int, typer.Option(min=1, help="leave events alone that were replayed as often before")] = 3,
    rate: Annotated[float | None, typer.Option(min=0.01, help="events a second at most")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="write nothing, only count")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="begin anew instead of where the same replay ended before")
    ] = False,
) -> None:
    """Write the events of dead letters again, byte for byte, with their own keys and headers.

    Each is written once, whatever interrupts the replay: start the same replay again and it goes on. One header,
    sentiment-worker-replays, counts how often an event was replayed.
    """
    settings = load_settings(**flags)
    if to == settings.dead_letter_topic:
        raise SettingError(Code.INVALID_FLAG, "--to names the dead-letter topic itself: name one that a worker reads")
    places = _place("--from", start), _place("--until", until)
    order = Order(_selection(reason, topic, partition, key), *places, to, max_attempts, through, set_text_path, rate)
    counts = Counts()
    with bar("replaying") as progress:
        replayer = Replayer(settings, order, counts, progress, restart=restart, dry_run=dry_run)
        try:
            run_async(replayer.run())
        finally:
            if replayer.resumed_from:
                passed = counted(replayer.resumed_from, "dead letter")
                stderr().print(f"went on where this replay ended before, behind {passed}; --restart begins anew")
            typer.echo(
                f"{counted(counts.read, 'dead letter')} read, {counts.replayed:,} "
                f"{'would be replayed' if dry_run else 'replayed'}, {counts.skipped.total():,} skipped"
            )
            for why, number in counts.skipped.most_common():
                typer.echo(f"  {number:,} {why}")


async def _letters(
    settings: Settings, start: Place, stop: Place, place: tuple[int, int] | None = None
) -> AsyncIterator[DeadLetter]:
    """Yield dead letters between two places, or the one at ``place``: partition and offset."""
    topic = settings.dead_letter_topic
    async with explaining(settings, "Read"), reading(settings, topic) as consumer:
        spans = await find_spans(consumer, await partitions_of(consumer, topic), start, stop)
        if place is not None:
            number, offset = place
            spans = {
                at: Span(max(offset, s.start), min(offset + 1, s.stop or 0))
                for at, s in spans.items()
                if at.partition == number
            }
        async for batch in Reader(consumer, spans).batches():
            for records in batch.values():
                for record in records:
                    yield DeadLetter.of(record)


def _selection(
    reasons: list[Reason] | None, topics: list[str] | None, partitions: list[int] | None, keys: list[str] | None
) -> Selection:
    encoded = (key.encode(errors="surrogateescape") for key in keys or ())
    return Selection(frozenset(reasons or ()), frozenset(topics or ()), frozenset(partitions or ()), frozenset(encoded))


def _place(flag: str, text: str) -> Place:
    try:
        return parse_place(text, int(time.time() * 1000))
    except ValueError as error:
        raise SettingError(Code.INVALID_FLAG, f"{flag}: {error}") from None

"""How a dead letter becomes an event again, and when it does not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.dead_letters.letter import REPLAYS_HEADER, DeadLetter


class Skipped(StrEnum):
    """Why a dead letter is not replayed."""

    NOT_SELECTED = "not selected"
    NOT_A_DEAD_LETTER = "not a dead letter of this worker"
    TOO_MANY_ATTEMPTS = "replayed --max-attempts times before"
    INCOMPLETE = "incomplete: the dead letter lacks a part of the event"
    REFUSED = "refused by the topic"
    FILTERED = "left out by the filter"
    NO_TEXT = "no text at --set-text-path"


@dataclass(frozen=True, slots=True)
class Event:
    """An event to write again."""

    topic: str
    partition: int | None
    """The partition to write to, if the topic has it; None for one by the key."""
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: Sequence[tuple[str, bytes | None]] = field(repr=False)


def replayed(letter: DeadLetter, *, to: str | None, max_attempts: int) -> Event | Skipped:
    """Return the event of a dead letter as it was read, byte for byte, with one header that counts its replays.

    Args:
        letter: the dead letter.
        to: the topic to write to; None for the one that the event was read from.
        max_attempts: an event that was replayed as often is not replayed again.
    """
    if not letter.topic:
        return Skipped.NOT_A_DEAD_LETTER
    if letter.replays >= max_attempts:
        return Skipped.TOO_MANY_ATTEMPTS
    if letter.lost:
        return Skipped.INCOMPLETE
    headers = [header for header in letter.own_headers if header[0] != REPLAYS_HEADER]
    headers.append((REPLAYS_HEADER, str(letter.replays + 1).encode()))
    # Another topic may have another number of partitions, where keys have other homes.
    partition = letter.source_partition if to in (None, letter.topic) or letter.event_key is None else None
    return Event(to or letter.topic, partition, letter.event_key, letter.event_value, headers)

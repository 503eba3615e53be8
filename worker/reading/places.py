"""Places in a topic, as a user names them: an end, an offset, a time, or how long ago. Pure."""

import re
from dataclasses import dataclass

from worker.setting_values import start_time_ms

EXAMPLES = "earliest, latest, an offset (1200), a time (2026-01-31T08:00:00Z), or how long ago (90m, 24h, 7d)"
_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OFFSET = re.compile(r"\d{1,18}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in each partition of a topic; of the members at most one is set, and of an end none is."""

    text: str
    """As the user named it."""
    offset: int | None = None
    time_ms: int | None = None
    """Milliseconds since the epoch: the first record that is not older."""

    def __str__(self) -> str:
        return self.text


EARLIEST = Place("earliest")
LATEST = Place("latest")


def parse_place(text: str, now_ms: int) -> Place:
    """Return the place that a user names; ``now`` is the same as ``latest``.

    Args:
        text: see ``EXAMPLES``.
        now_ms: the time now, in milliseconds since the epoch.

    Raises:
        ValueError: it names no place.
    """
    if text == "earliest":
        return EARLIEST
    if text in ("latest", "now"):
        return LATEST
    if _OFFSET.fullmatch(text):
        return Place(text, offset=int(text))
    if ago := _AGO.fullmatch(text):
        return Place(text, time_ms=max(0, now_ms - int(ago[1]) * _UNIT_MS[ago[2]]))
    try:
        return Place(text, time_ms=start_time_ms(text))
    except ValueError as error:
        if "time zone" in str(error):
            raise
        raise ValueError(f"{text!r} is not a place in a topic: give {EXAMPLES}") from None

"""Which ends of a worker are expected, and why. Pure."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

BROKER_AWAY, TOPIC_AWAY, DEVICE_BROKEN, FLOOD = "broker away", "topic away", "device broken", "flood"
STARTED, GAVE_UP = "assigned:", "sentiment-worker: "
"""In a log: the group has let the worker in; the sentence with which it ends."""
BY_SIGTERM = (-signal.SIGTERM, 128 + signal.SIGTERM)
"""Ended by the signal, or with the exit code that says so."""
AFTERWARDS = 60.0
"""Seconds after a window in which an end may still be its doing: a stop takes its time."""


@dataclass(slots=True)
class Window:
    """A time in which something goes on that ends workers: all of them, or the one in a slot."""

    kind: str
    begin: float
    slot: int | None = None
    end: float = float("inf")

    def close(self, now: float) -> None:
        self.end = now


@dataclass(slots=True)
class End:
    """The end of a worker's process."""

    name: str
    slot: int
    time: float
    code: int
    """The exit code; a signal's number, negative."""
    signals: tuple[int, ...]
    """Signals that the harness had sent it."""
    log: str = field(repr=False)
    """All of its log."""
    expected: str | None = None
    """Why it had to be expected; None where nobody could."""


def why_expected(end: End, windows: Sequence[Window]) -> str | None:
    """Return why the worker had to end like this, or None."""
    near = {
        window.kind
        for window in windows
        if window.slot in (None, end.slot) and window.begin <= end.time <= window.end + AFTERWARDS
    }
    if end.code == -signal.SIGKILL and signal.SIGKILL in end.signals:
        return "killed"
    if signal.SIGTERM in end.signals:
        if end.code == 0:
            return "stopped"
        # Before the worker listens to signals, and once it has given up, they end it as they end any process.
        if end.code in BY_SIGTERM and (not end.log or (GAVE_UP in end.log and STARTED not in end.log)):
            return "stopped outside of its work"
        if end.code == 1 and BROKER_AWAY in near:
            return "stopped while a broker was away"
    if end.code != 1:
        return None
    if FLOOD in near and ("max_consecutive_invalid" in end.log or "max_invalid_ratio" in end.log):
        return "flood"
    if DEVICE_BROKEN in near and "device no longer classifies" in end.log:
        return "device broken"
    if STARTED not in end.log:
        if BROKER_AWAY in near:
            return "started while a broker was away"
        if TOPIC_AWAY in near and "missing on the cluster" in end.log:
            return "started while a topic was away"
    return None

"""Admission control: the bounds on events and bytes that are received and not yet acknowledged."""

from worker.settings import Settings


class Admission:
    """The count of what is pending, and whether more may come in."""

    def __init__(self, settings: Settings) -> None:
        self._most_events = settings.max_pending_events
        self._most_bytes = settings.max_pending_bytes
        self.events = 0
        self.bytes = 0
        self._waiting = 0
        self._waiting_since = 0.0
        self._waited = 0.0

    def admits(self, events: int, size: int) -> bool:
        """Return whether this much more is admitted. A fetch beyond a bound is admitted if nothing else is pending."""
        if not self.events:
            return True
        return self.events + events <= self._most_events and self.bytes + size <= self._most_bytes

    def wait(self, now: float) -> None:
        """Record that something starts to wait because it is not admitted."""
        if not self._waiting:
            self._waiting_since = now
        self._waiting += 1

    def go_on(self, now: float) -> None:
        """Record that it no longer waits."""
        self._waiting -= 1
        if not self._waiting:
            self._waited += now - self._waiting_since

    def waited(self, now: float) -> float:
        """Return the seconds for which anything has waited, up to now."""
        return self._waited + (now - self._waiting_since if self._waiting else 0.0)

    def enter(self, events: int, size: int) -> None:
        """Count what was admitted."""
        self.events += events
        self.bytes += size

    def leave(self, events: int, size: int) -> None:
        """Count what was acknowledged or discarded."""
        self.events -= events
        self.bytes -= size

"""How much the worker holds at once: events and bytes that were received and are not acknowledged."""

from worker.settings import Settings


class Admission:
    """The count of what is pending, and whether more may come in."""

    def __init__(self, settings: Settings) -> None:
        self._most_events = settings.max_pending_events
        self._most_bytes = settings.max_pending_bytes
        self.events = 0
        self.bytes = 0

    def admits(self, events: int, size: int) -> bool:
        """Return whether so much more may come in. What is over a bound by itself may when nothing else is pending."""
        if not self.events:
            return True
        return self.events + events <= self._most_events and self.bytes + size <= self._most_bytes

    def enter(self, events: int, size: int) -> None:
        """Count what came in."""
        self.events += events
        self.bytes += size

    def leave(self, events: int, size: int) -> None:
        """Count what is acknowledged, or was forgotten."""
        self.events -= events
        self.bytes -= size

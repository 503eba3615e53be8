"""Time budgets, created once and shared by every step that must fit into them. Pure: they are given the time."""

from dataclasses import dataclass

#: Seconds after ``drain_timeout`` that the rest of a stop may take before the process is ended.
STOP_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock."""

    at: float

    def remaining(self, now: float) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.at - now)


@dataclass(frozen=True, slots=True)
class StopDeadlines:
    """The time of one stop, split between its phases; each ends at its deadline, whenever it began."""

    work_off: Deadline
    """Process what was received and not started."""
    finish: Deadline
    """Finish what is started, until the broker has acknowledged it."""
    close: Deadline
    """Commit, leave the group and close all clients."""

    @classmethod
    def begin(cls, now: float, drain_timeout: float) -> "StopDeadlines":
        """Split the time of a stop that begins now."""
        finish = now + drain_timeout
        return cls(Deadline(now + drain_timeout / 2), Deadline(finish), Deadline(finish + STOP_GRACE))

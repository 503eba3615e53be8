"""One budget of time, made once and shared by every step that has to fit into it."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    def half(self) -> "Deadline":
        """The deadline for a step that may use half of what is left."""
        return Deadline.after(self.remaining / 2)

"""The form of an internal event: something that happens in the worker, declared once with its log line and its metrics.

Emitting one writes the line and counts. It is emitted for a batch, a fetch or a change of state, never for a record.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from worker.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class InternalEvent:
    """Something that happened. The fields say what; texts, keys and ids of events are never among them."""

    level: ClassVar[int | None] = None
    """Of its line in the log; None for no line."""

    def sentence(self) -> str | None:
        """Return its line in the log; None where this one is worth none."""
        return None

    def count(self, metrics: Metrics) -> None:
        """Fill the metrics that it changes; none by default."""


@dataclass(frozen=True, slots=True)
class FrequentEvent(InternalEvent, ABC):
    """One that may happen thousands of times a second: the log gets the first at once, and sums of the next ones."""

    @abstractmethod
    def merged(self, later: Self) -> Self:
        """Return this event and a later one as one event, whose sentence tells of both."""


Emit = Callable[[InternalEvent], None]
"""The function by which events are emitted."""

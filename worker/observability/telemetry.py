"""Writes what happens in a worker to its log and its metrics."""

import asyncio
import logging
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from worker.observability.event import FrequentEvent, InternalEvent
from worker.observability.metrics import Metrics

logger = logging.getLogger(__name__)

#: Between two lines about events of a kind that may happen thousands of times a second.
LINE_SECONDS = 10.0


class Telemetry:
    """The metrics of one worker, and the way of its events to log and metrics.

    Args:
        registry: where the metrics are registered; by default one of their own, with prometheus_client's metrics of
            the process and of Python.
        clock: monotonic seconds.
        line_seconds: between two lines about frequent events of a kind.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        line_seconds: float = LINE_SECONDS,
    ) -> None:
        self.registry = _new_registry() if registry is None else registry
        self.metrics = Metrics(self.registry)
        self._clock = clock
        self._line_seconds = line_seconds
        self._lines: dict[type[FrequentEvent], _OccasionalLine] = {}

    def emit(self, event: InternalEvent) -> None:
        """Count an event, and write its line if it has one. Those that are frequent: in the event loop only."""
        event.count(self.metrics)
        if event.level is None:
            return
        if isinstance(event, FrequentEvent):
            kind = type(event)
            if kind not in self._lines:
                self._lines[kind] = _OccasionalLine(self._line_seconds, self._clock)
            self._lines[kind].add(event)
        else:
            _write(event)

    def flush(self) -> None:
        """Write the lines that wait for their time."""
        for line in self._lines.values():
            line.write()


def _new_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


class _OccasionalLine:
    """Writes the first event of a kind at once, and the sum of those that follow every ``seconds`` at most."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._unsaid: FrequentEvent | None = None

    def add(self, event: FrequentEvent) -> None:
        """Write the event, now or later."""
        self._unsaid = event if self._unsaid is None else self._unsaid.merged(event)
        now = self._clock()
        if now >= self._due:
            self.write()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._due - now, self.write)

    def write(self) -> None:
        """Write what was not written yet, whatever the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unsaid is not None:
            self._due = self._clock() + self._seconds
            _write(self._unsaid)
            self._unsaid = None


def _write(event: InternalEvent) -> None:
    if event.level is not None and (sentence := event.sentence()) is not None:
        logger.log(event.level, "%s", sentence)

"""Lines about what may happen thousands of times a second: at once, then now and then, and the rest in the end."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item", contravariant=True)


class Tally(Protocol[Item]):
    """Counts of what happened since the last line about it."""

    def add(self, items: Iterable[Item]) -> None:
        """Count these."""

    def take(self) -> str | None:
        """Return a sentence about all that was counted, and forget it; None for nothing."""


class PeriodicSummary(Generic[Item]):
    """Says the first thing at once and what follows at most every ``seconds``, the last of it too. In one event loop.

    Args:
        tally: counts, and has the words.
        say: takes a sentence.
        seconds: between two sentences.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        tally: Tally[Item],
        say: Callable[[str], None],
        seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._say = say
        self._seconds = seconds
        self._clock = clock
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def count(self, items: Iterable[Item]) -> None:
        """Count what happened, and say so now or later."""
        self._tally.add(items)
        now = self._clock()
        if now >= self._due:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._due - now, self.flush)

    def flush(self) -> None:
        """Say what was not said yet, whatever the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (sentence := self._tally.take()) is not None:
            self._due = self._clock() + self._seconds
            self._say(sentence)

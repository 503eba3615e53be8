"""Client libraries log every attempt; the same line ten times a second hides what matters."""

import logging
import time
from collections.abc import Callable

#: Different lines that are remembered; more than a cluster in trouble causes.
MOST_LINES = 256


class RepeatedLines(logging.Filter):
    """Let a library's line through once in a while, and say how many like it were left out.

    Lines are alike if their message, before its arguments are filled in, and their first argument (the broker, mostly)
    are the same.

    Args:
        library: the logger, and those below it, whose lines are counted; others pass.
        seconds: how long a line is left out after one like it.
        clock: monotonic seconds.
    """

    def __init__(self, library: str, seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(library)
        self._seconds = seconds
        self._clock = clock
        self._shown: dict[tuple[str, str, str], tuple[float, int]] = {}
        """When each line was last let through, and how many like it were left out since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged."""
        if not super().filter(record):  # not of the library
            return True
        first = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        line, now = (record.name, str(record.msg), first), self._clock()
        last, left_out = self._shown.get(line, (None, 0))
        if last is not None and now - last < self._seconds:
            self._shown[line] = last, left_out + 1
            return False
        if len(self._shown) >= MOST_LINES:
            self._shown.clear()
        self._shown[line] = now, 0
        if left_out:
            record.msg = f"{record.msg} (and {left_out:,} times more since it was last logged)"
        return True

"""Clocks: what needs the time is given one, or the time itself; who starts a worker says which it is."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds that never go back; only the difference of two readings means something. ``time.monotonic`` is one."""


def boot_clock() -> float:
    """Return seconds since the machine's start. Unlike the monotonic clock it counts, on Linux, time in suspend."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()

"""Ends the process when a stop hangs: in Faust, in a client or in a driver, whatever it is that waits there."""

import threading
from collections.abc import Callable

from worker.engine.sentences import READ_AGAIN, because
from worker.observability import events
from worker.observability.event import InternalEvent


class StopWatchdog:
    """Waits in a thread of its own, and ends the process unless that has ended by itself before.

    Args:
        emit: told that the stop hangs; in the watchdog's thread.
        reason: the error that the worker stops for, if any; asked when the stop hangs.
        end: ends the process with an exit code.
    """

    def __init__(
        self,
        emit: Callable[[InternalEvent], None],
        reason: Callable[[], BaseException | None],
        end: Callable[[int], object],
    ) -> None:
        self._emit = emit
        self._reason = reason
        self._end = end

    def watch(self, seconds: float) -> None:
        """Let the stop have so many seconds from now on."""
        timer = threading.Timer(seconds, self.end_process)
        timer.daemon = True
        timer.start()

    def end_process(self) -> None:
        """Say why, and end the process."""
        self._emit(events.StopHangs(because(self._reason()), READ_AGAIN))
        self._end(1)

"""This member's session with its consumer group, which decides whether outputs may still be sent.

The coordinator gives a member's partitions away when it has not heard of it for ``session_timeout``. A member that was
frozen, or cut off, cannot know that it happened. It knows when it last *sent* a request that the coordinator then
answered well: for ``session_timeout`` from then on the partitions are its own, and nobody else's.

A static member's partitions go to whoever joins under its name, at once. Only the next heartbeat tells, so a
confirmation counts for two heartbeats: one that was frozen waits for the next before it sends anything.
"""

import threading
from collections.abc import Callable

from worker.clock import Clock


def is_confirmed(renewed_at: float | None, now: float, timeout: float) -> bool:
    """Decide whether the partitions are certainly this member's, so that outputs may be sent.

    Args:
        renewed_at: when the newest request that the coordinator answered well was sent; None: we are no member.
        now: seconds on the same clock.
        timeout: seconds after which the coordinator gives up a member it has not heard of.
    """
    return renewed_at is not None and now - renewed_at < timeout


def heartbeat_interval(session_timeout: float) -> float:
    """Return the seconds between two heartbeats."""
    return min(3.0, session_timeout / 3)


def confirmation_timeout(session_timeout: float, *, static: bool) -> float:
    """Return the seconds for which a confirmation counts.

    Args:
        session_timeout: the group's, in seconds.
        static: whether the member has a name, under which another one may join.
    """
    return 2 * heartbeat_interval(session_timeout) if static else session_timeout


class GroupSession:
    """The session, written by the consumer's thread and read by the event loop.

    Args:
        timeout: seconds for which a confirmation counts, see ``confirmation_timeout``.
        clock: seconds that go on while the process is frozen.
    """

    def __init__(self, timeout: float, clock: Clock) -> None:
        self.timeout = timeout
        self.now = clock
        self._renewed_at: float | None = None
        self._silent_since = clock()
        self.was_lost = False
        """Whether the coordinator ended the newest membership by itself, neither asked nor told by somebody else."""
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_member(self) -> bool:
        """Whether the coordinator has taken us in, and has not said since that it does not know us."""
        return self._renewed_at is not None

    @property
    def is_fresh(self) -> bool:
        """Whether the partitions are certainly ours at this moment."""
        return is_confirmed(self._renewed_at, self.now(), self.timeout)

    def unconfirmed_for(self) -> float:
        """Return the seconds since the newest confirmation was asked for, or since the membership ended."""
        renewed_at = self._renewed_at
        return self.now() - (self._silent_since if renewed_at is None else renewed_at)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, in the thread that noticed it, when the membership begins or ends."""
        self._listeners.append(listener)

    def joined(self, sent_at: float) -> None:
        """Note an assignment: the coordinator answered a sync that was sent at ``sent_at``."""
        self._change(lambda _: sent_at)

    def renewed(self, sent_at: float) -> None:
        """Note that a heartbeat sent at ``sent_at`` was answered well. Who is no member does not become one by it."""
        self._change(lambda before: None if before is None else sent_at)

    def lost(self) -> None:
        """Note that the coordinator does not know this member any more."""
        self._change(lambda _: None, lost=True)

    def left(self) -> None:
        """Note that the coordinator is about to be told to forget this member, or that its name was taken."""
        self._change(lambda _: None)

    def _change(self, change: Callable[[float | None], float | None], *, lost: bool = False) -> None:
        with self._lock:
            before = self._renewed_at
            now = self._renewed_at = change(before)
            if before is not None and now is None:
                self._silent_since, self.was_lost = self.now(), lost
        if (before is None) != (now is None):
            for listener in self._listeners:
                listener()

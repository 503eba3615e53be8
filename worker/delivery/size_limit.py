"""The largest batch that a partition takes, learnt from refusals. Pure: it is given the time.

A broker compares the bytes of a batch with the topic's ``max.message.bytes``. So a record alone in a batch at least as
large as one that was refused would be refused, too, and need not be sent. Topics change: what was learnt is forgotten
after ``FORGET_SECONDS``, and the next large record asks the broker again.
"""

FORGET_SECONDS = 10.0


class SizeLimit:
    """The knowledge of one partition."""

    def __init__(self) -> None:
        self._until = 0.0
        self._batch_bytes: int | None = None
        self._alone_bytes: int | None = None

    def batch_bytes(self, now: float) -> int | None:
        """Return the bytes above which a batch takes no further record; None if no limit is known."""
        self._forget(now)
        return self._batch_bytes

    def alone_bytes(self, now: float) -> int | None:
        """Return the bytes of the smallest batch of one record that was refused; None if none was."""
        self._forget(now)
        return self._alone_bytes

    def batch_refused(self, size: int, now: float) -> None:
        """Note that a batch of several records was too large; more than half of the limit is always used."""
        self._forget(now)
        self._batch_bytes = max(min(self._batch_bytes or size, size // 2), 1)
        self._until = self._until or now + FORGET_SECONDS

    def record_refused(self, size: int, now: float) -> None:
        """Note that a batch of one record was too large."""
        self._forget(now)
        self._alone_bytes = min(self._alone_bytes or size, size)
        self._until = self._until or now + FORGET_SECONDS

    def _forget(self, now: float) -> None:
        if self._until and now >= self._until:
            self._until, self._batch_bytes, self._alone_bytes = 0.0, None, None

"""What the log says of dead letters: now and then how many there were, and why. Pure: it is given the time."""

from collections import Counter
from collections.abc import Iterable

from worker.errors import Reason


class Notices:
    """Counts dead letters, and has a sentence for the first of them and then at most one every ``seconds``."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self.due = 0.0
        """When the next sentence may be said; monotonic seconds."""
        self._counts: Counter[Reason] = Counter()

    def count(self, reasons: Iterable[Reason], now: float) -> str | None:
        """Count dead letters; returns a sentence about all that were not spoken of yet, if it is time for one.

        Args:
            reasons: one a dead letter.
            now: monotonic seconds.
        """
        self._counts.update(reasons)
        return self.rest(now) if now >= self.due else None

    def rest(self, now: float) -> str | None:
        """A sentence about what was not spoken of yet, whatever the time; None if that is nothing."""
        if not self._counts:
            return None
        self.due = now + self._seconds
        total = self._counts.total()
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self._counts.most_common())
        self._counts.clear()
        return f"{total:,} dead {'letter' if total == 1 else 'letters'}: {reasons}"

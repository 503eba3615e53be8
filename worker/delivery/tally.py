"""Counts of dead letters by reason."""

from collections import Counter
from collections.abc import Iterable

from worker.errors import Reason


class DeadLetterTally:
    """Counts dead letters by reason; a tally of ``PeriodicSummary``."""

    def __init__(self) -> None:
        self._counts: Counter[Reason] = Counter()

    def add(self, items: Iterable[Reason]) -> None:
        """Count dead letters, one for each reason."""
        self._counts.update(items)

    def take(self) -> str | None:
        """Return how many there were of each reason, and forget them; None for none."""
        if not self._counts:
            return None
        total = self._counts.total()
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self._counts.most_common())
        self._counts.clear()
        return f"{total:,} dead {'letter' if total == 1 else 'letters'}: {reasons}"

"""Counts of dead letters by reason, over time. Pure."""

from collections import Counter
from collections.abc import Iterable

from worker.dead_letters.letter import DeadLetter


class ReasonCounts:
    """Dead letters by the time of their writing and by reason.

    Args:
        every_ms: the length of an interval of time, in milliseconds; intervals begin at its multiples.
    """

    def __init__(self, every_ms: int) -> None:
        self._every_ms = every_ms
        self._counts: dict[int, Counter[str]] = {}

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Count dead letters."""
        for letter in letters:
            start = letter.timestamp // self._every_ms * self._every_ms
            self._counts.setdefault(start, Counter())[letter.reason] += 1

    @property
    def reasons(self) -> list[str]:
        """The reasons there are, the most frequent first."""
        total: Counter[str] = Counter()
        for counts in self._counts.values():
            total.update(counts)
        return [reason for reason, _ in total.most_common()]

    def rows(self) -> list[tuple[int, Counter[str]]]:
        """Return the start of each interval that has any, ascending, in milliseconds, and its counts."""
        return sorted(self._counts.items())

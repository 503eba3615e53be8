"""The brake against a flood of invalid events. Pure: it counts, and says when to stop."""

from collections import deque
from collections.abc import Sequence

from worker.errors import FloodError

WINDOW = 10_000
"""The ratio is taken over at least this many of the newest events."""


class Breaker:
    """Raises when nearly everything that is released is invalid, before it is published.

    Args:
        max_consecutive: invalid events in a row that are let through.
        max_ratio: invalid events among the newest 10,000 that are let through, as a share of all of them.
    """

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._consecutive = 0
        self._newest: deque[tuple[int, int]] = deque()
        self._total = 0
        self._invalid = 0

    def count(self, size: int, invalid: Sequence[int]) -> None:
        """Count a release of ``size`` events, those at the positions ``invalid`` (ascending) being invalid.

        Raises:
            FloodError: a limit is passed; the release must not be published.
        """
        run, expected = self._consecutive, 0
        for position in invalid:
            run = run + 1 if position == expected else 1
            expected = position + 1
            if run > self._max_consecutive:
                raise FloodError(
                    f"more than {self._max_consecutive:,} events in a row are invalid (max_consecutive_invalid): "
                    "is this the right topic, input_format and text_path? The last ones are not committed"
                )
        self._consecutive = run if expected == size else 0
        self._newest.append((size, len(invalid)))
        self._total += size
        self._invalid += len(invalid)
        while self._total - self._newest[0][0] >= WINDOW:
            oldest_total, oldest_invalid = self._newest.popleft()
            self._total -= oldest_total
            self._invalid -= oldest_invalid
        if self._total >= WINDOW and self._invalid > self._max_ratio * self._total:
            raise FloodError(
                f"{self._invalid:,} of the newest {self._total:,} events are invalid, more than max_invalid_ratio="
                f"{self._max_ratio:g}: is this the right topic, input_format and text_path? "
                "The last ones are not committed"
            )

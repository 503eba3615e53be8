"""The brake against a flood of invalid events. Pure: it counts, and says when to stop."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.delivery.ledger import Release
from worker.errors import FloodError, Reason, Rejection

WINDOW = 10_000
"""The ratio is taken over at least this many of the newest events."""
UNLIMITED = 1_000_000_000
"""A max_consecutive_invalid that no flood reaches."""


@dataclass(slots=True)
class _Invalid:
    """Invalid events: where the first of them is, and how many there are for each reason."""

    first: str = ""
    reasons: Counter[Reason] = field(default_factory=Counter)

    def add(self, release: Release, slot: int, reason: Reason) -> None:
        if not self.reasons:
            fetch = release.fetch
            self.first = f"offset {fetch.records[slot].offset} of {fetch.topic}[{fetch.partition}]"
        self.reasons[reason] += 1


class Breaker:
    """Raises when nearly everything that is released is invalid, before it is published.

    Args:
        max_consecutive: invalid events in a row that are let through.
        max_ratio: invalid events among the newest 10,000 that are let through, as a share of all of them.
    """

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._run = _Invalid()
        self._consecutive = 0
        self._newest: deque[tuple[int, _Invalid]] = deque()
        self._total = 0
        self._invalid = 0

    def count(self, release: Release, rejected: Mapping[int, Rejection]) -> None:
        """Count the events of a release; ``rejected`` has those that are invalid, by slot, ascending.

        A rejection that does not count is as if its event were not there.

        Raises:
            FloodError: a limit is passed; the release must not be published.
        """
        counted = _Invalid()
        expected, size = release.start, release.stop - release.start
        for slot, rejection in rejected.items():
            if slot != expected:
                self._end_run()
            expected = slot + 1
            if not rejection.counts:
                size -= 1
                continue
            self._run.add(release, slot, rejection.reason)
            counted.add(release, slot, rejection.reason)
            self._consecutive += 1
            if self._consecutive > self._max_consecutive:
                raise _flood(
                    f"more than {self._max_consecutive:,} events in a row (max_consecutive_invalid) are invalid",
                    self._run.first,
                    self._run.reasons,
                )
        if expected != release.stop:
            self._end_run()
        self._newest.append((size, counted))
        self._total += size
        self._invalid += counted.reasons.total()
        while self._total - self._newest[0][0] >= WINDOW:
            oldest_total, oldest = self._newest.popleft()
            self._total -= oldest_total
            self._invalid -= oldest.reasons.total()
        if self._total >= WINDOW and self._invalid > self._max_ratio * self._total:
            raise _flood(
                f"{self._invalid:,} of the newest {self._total:,} events are invalid, more than max_invalid_ratio="
                f"{self._max_ratio:g}",
                next(counted.first for _, counted in self._newest if counted.reasons),
                sum((counted.reasons for _, counted in self._newest), Counter()),
            )

    def _end_run(self) -> None:
        if self._consecutive:
            self._run = _Invalid()
            self._consecutive = 0


def _flood(what: str, first: str, reasons: Counter[Reason]) -> FloodError:
    seen = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    return FloodError(
        f"{what} ({seen}), the first at {first}: is this the right topic, input_format and text_path? To let them pass "
        f"as dead letters, run with --max-invalid-ratio 1 --max-consecutive-invalid {UNLIMITED}. "
        "The last ones are not committed"
    )

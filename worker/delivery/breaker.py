"""The circuit breaker against a flood of invalid events. Pure: it counts, and says when to stop."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from worker.delivery.ledger import CompletedRange
from worker.errors import CircuitOpenError, Code, Reason, Rejection
from worker.fetch import Fetch

WINDOW = 10_000
"""The ratio is taken over at least this many of the newest events."""
UNLIMITED = 1_000_000_000
"""A max_consecutive_invalid that no flood reaches."""


READ_WRONG = "is this the right topic, input_format and text_path?"
REFUSED = "see which of its settings refuses them (message.timestamp.before.max.ms, cleanup.policy, max.message.bytes)."


@dataclass(frozen=True, slots=True)
class Event:
    """An invalid event among those that are counted."""

    position: int
    """Its index among them."""
    fetch: Fetch
    index: int
    reason: Reason


@dataclass(slots=True)
class _Invalid:
    """Invalid events: where the first of them is, and how many there are for each reason."""

    first: str = ""
    reasons: Counter[Reason] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        if not self.reasons:
            fetch = event.fetch
            self.first = f"offset {fetch.records[event.index].offset} of {fetch.topic}[{fetch.partition}]"
        self.reasons[event.reason] += 1


class Breaker:
    """Raises when nearly everything that is released is invalid, before it is published.

    Args:
        max_consecutive: invalid events in a row that are let through.
        max_ratio: invalid events among the newest 10,000 that are let through, as a share of all of them.
        invalid: what the events are, for the message.
        way_out: what to look at, for the message.
    """

    def __init__(
        self, max_consecutive: int, max_ratio: float, invalid: str = "invalid", way_out: str = READ_WRONG
    ) -> None:
        self._called = invalid
        self._way_out = way_out
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._run = _Invalid()
        self._consecutive = 0
        self._newest: deque[tuple[int, _Invalid]] = deque()
        self._total = 0
        self._invalid = 0

    def count(self, completed: CompletedRange, rejected: Mapping[int, Rejection]) -> None:
        """Count the events of a completed range; ``rejected`` has those that are invalid, by index, ascending.

        A rejection that does not count is as if its event were not there.

        Raises:
            CircuitOpenError: a limit is passed; the completed range must not be published.
        """
        events: list[Event] = []
        passed_over = 0
        for index, rejection in rejected.items():
            if rejection.counts:
                position = index - completed.start - passed_over
                events.append(Event(position, completed.fetch, index, rejection.reason))
            else:
                passed_over += 1
        self.count_events(len(completed) - passed_over, events)

    def count_events(self, size: int, invalid: Iterable[Event]) -> None:
        """Count ``size`` events, of which these, by ascending position, are invalid.

        Raises:
            CircuitOpenError: a limit is passed.
        """
        counted = _Invalid()
        expected = 0
        for event in invalid:
            if event.position != expected:
                self._end_run()
            expected = event.position + 1
            self._run.add(event)
            counted.add(event)
            self._consecutive += 1
            if self._consecutive > self._max_consecutive:
                raise self._flood(
                    f"more than {self._max_consecutive:,} events in a row (max_consecutive_invalid) are {self._called}",
                    self._run.first,
                    self._run.reasons,
                )
        if expected != size:
            self._end_run()
        self._newest.append((size, counted))
        self._total += size
        self._invalid += counted.reasons.total()
        while self._total - self._newest[0][0] >= WINDOW:
            oldest_total, oldest = self._newest.popleft()
            self._total -= oldest_total
            self._invalid -= oldest.reasons.total()
        if self._total >= WINDOW and self._invalid > self._max_ratio * self._total:
            raise self._flood(
                f"{self._invalid:,} of the newest {self._total:,} events are {self._called}, more than "
                f"max_invalid_ratio={self._max_ratio:g}",
                next(counted.first for _, counted in self._newest if counted.reasons),
                sum((counted.reasons for _, counted in self._newest), Counter()),
            )

    def _end_run(self) -> None:
        if self._consecutive:
            self._run = _Invalid()
            self._consecutive = 0

    def _flood(self, what: str, first: str, reasons: Counter[Reason]) -> CircuitOpenError:
        seen = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
        return CircuitOpenError(
            Code.CIRCUIT_OPEN,
            f"{what} ({seen}), the first at {first}: {self._way_out} To let them pass as dead letters, run with "
            f"--max-invalid-ratio 1 --max-consecutive-invalid {UNLIMITED}. "
            "`sentiment-worker dead-letters` lists and replays them. The last ones are not committed",
        )

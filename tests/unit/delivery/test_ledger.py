"""The ledger's promises, for any order of completion, restart and revocation."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from worker.delivery.ledger import CompletedRange, Ledger, Partition
from worker.fetch import Fetch

TOPIC = "texts"


@dataclass(frozen=True)
class StubRecord:
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: tuple[tuple[str, bytes | None], ...] = ()


def make_fetch(first: int, gaps: list[int], trailing: int = 0, partition: int = 0) -> Fetch:
    """A fetch that starts at ``first``; each gap is how many offsets are missing behind a record."""
    offsets, offset = [], first
    for gap in gaps:
        offsets.append(offset)
        offset += 1 + gap
    return Fetch(TOPIC, partition, [StubRecord(offset) for offset in offsets], offsets[-1] + 1 + trailing, 0.0)


def test_nothing_is_committable_before_the_broker_has_it() -> None:
    ledger = Ledger()
    fetch = make_fetch(10, [0, 0, 0])
    ledger.open(fetch)
    (completed,) = ledger.complete(fetch, [0, 1])
    assert ledger.committable(Partition(TOPIC, 0)) is None
    ledger.acknowledge(completed)
    assert ledger.committable(Partition(TOPIC, 0)) == 12


def test_a_range_acknowledged_early_waits_for_the_ones_before_it() -> None:
    ledger = Ledger()
    fetch = make_fetch(0, [0, 0])
    ledger.open(fetch)
    (first,) = ledger.complete(fetch, [0])
    (second,) = ledger.complete(fetch, [1])
    ledger.acknowledge(second)
    assert ledger.committable(Partition(TOPIC, 0)) is None
    ledger.acknowledge(first)
    assert ledger.committable(Partition(TOPIC, 0)) == 2


def test_fetches_that_were_only_waiting_are_done_with_the_one_before_them() -> None:
    ledger = Ledger()
    fetches = [make_fetch(0, [0, 0]), make_fetch(2, [0]), make_fetch(3, [0])]
    for fetch in fetches:
        ledger.open(fetch)
    first, second, third = (ledger.complete(fetch, range(len(fetch)))[0] for fetch in fetches)
    assert ledger.acknowledge(second) == []
    assert ledger.acknowledge(first) == fetches[:2]
    assert ledger.acknowledge(third) == fetches[2:]


def test_what_is_not_safe_to_commit_is_counted() -> None:
    ledger = Ledger()
    fetch = make_fetch(0, [0, 0, 0])
    ledger.open(fetch)
    assert ledger.open_events() == 3
    (first,) = ledger.complete(fetch, [0])
    (second,) = ledger.complete(fetch, [1])
    ledger.acknowledge(second)
    assert ledger.open_events() == 3, "the second is not safe before the first"
    ledger.acknowledge(first)
    assert ledger.open_events() == 1
    ledger.acknowledge(ledger.complete(fetch, [2])[0])
    assert ledger.open_events() == 0


def test_holes_in_offsets_are_passed() -> None:
    ledger = Ledger()
    fetch = make_fetch(5, [3, 0], trailing=7)
    ledger.open(fetch)
    (completed,) = ledger.complete(fetch, [0, 1])
    ledger.acknowledge(completed)
    assert ledger.committable(Partition(TOPIC, 0)) == 5 + 5 + 7


def test_an_idle_partition_is_committed_up_to_where_the_consumer_reads_on() -> None:
    ledger = Ledger()
    ledger.pass_over(Partition(TOPIC, 0), 40)
    assert ledger.committable(Partition(TOPIC, 0)) == 40


def test_a_partition_is_passed_over_once_nothing_is_open() -> None:
    ledger = Ledger()
    first, second = make_fetch(0, [0]), make_fetch(50, [0])
    ledger.open(first)
    ledger.pass_over(Partition(TOPIC, 0), 40)
    (completed,) = ledger.complete(first, [0])
    assert ledger.committable(Partition(TOPIC, 0)) is None
    ledger.acknowledge(completed)
    assert ledger.committable(Partition(TOPIC, 0)) == 40
    ledger.open(second)
    ledger.pass_over(Partition(TOPIC, 0), 60)
    assert ledger.committable(Partition(TOPIC, 0)) == 40
    ledger.acknowledge(*ledger.complete(second, [0]))
    assert ledger.committable(Partition(TOPIC, 0)) == 60


def test_where_a_partition_goes_on_is_behind_its_newest_fetch() -> None:
    ledger = Ledger()
    assert ledger.next_offset(Partition(TOPIC, 0)) == 0
    ledger.open(make_fetch(10, [0, 0], trailing=3))
    assert ledger.next_offset(Partition(TOPIC, 0)) == 15
    assert ledger.next_offset(Partition(TOPIC, 1)) == 0


def test_a_record_completed_twice_is_refused() -> None:
    ledger = Ledger()
    fetch = make_fetch(0, [0, 0])
    ledger.open(fetch)
    ledger.complete(fetch, [1])
    with pytest.raises(ValueError, match="twice"):
        ledger.complete(fetch, [0, 1])


def test_what_was_in_flight_for_a_revoked_partition_moves_nothing_when_it_comes_back() -> None:
    ledger = Ledger()
    old = make_fetch(0, [0, 0])
    ledger.open(old)
    (completed,) = ledger.complete(old, [0])
    assert ledger.revoke([Partition(TOPIC, 0)]) == [old]
    again = make_fetch(0, [0, 0])
    ledger.open(again)
    ledger.acknowledge(completed)
    assert ledger.complete(old, [1]) == []
    assert ledger.committable(Partition(TOPIC, 0)) is None
    assert [(r.fetch, r.start, r.stop) for r in ledger.complete(again, [0, 1])] == [(again, 0, 2)]


class LedgerMachine(RuleBasedStateMachine):
    """Fetches of three partitions, completed and acknowledged in any order, with revocations in between."""

    ranges = Bundle("ranges")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.next_offset = dict.fromkeys(range(3), 0)
        self.unsettled: list[tuple[Fetch, int]] = []
        self.alive: set[Fetch] = set()
        self.dead: list[tuple[Fetch, int]] = []
        self.settled_offsets: dict[int, set[int]] = {p: set() for p in range(3)}
        self.acknowledged_offsets: dict[int, set[int]] = {p: set() for p in range(3)}
        self.released_offsets: dict[int, list[int]] = {p: [] for p in range(3)}
        self.opened_offsets: dict[int, list[int]] = {p: [] for p in range(3)}
        self.start: dict[int, int] = dict.fromkeys(range(3), 0)

    @rule(p=st.integers(0, 2), gaps=st.lists(st.integers(0, 3), min_size=1, max_size=6), trailing=st.integers(0, 3))
    def open(self, p: int, gaps: list[int], trailing: int) -> None:
        fetch = make_fetch(self.next_offset[p], gaps, trailing, p)
        self.next_offset[p] = fetch.next_offset
        self.ledger.open(fetch)
        self.alive.add(fetch)
        self.unsettled.extend((fetch, index) for index in range(len(fetch)))
        self.opened_offsets[p].extend(r.offset for r in fetch.records)

    @precondition(lambda self: self.unsettled)
    @rule(target=ranges, data=st.data())
    def complete(self, data: st.DataObject) -> list[CompletedRange]:
        fetch = data.draw(st.sampled_from(self.unsettled))[0]
        mine = [index for f, index in self.unsettled if f is fetch]
        indexes = data.draw(st.lists(st.sampled_from(mine), min_size=1, unique=True))
        self.unsettled = [(f, index) for f, index in self.unsettled if f is not fetch or index not in indexes]
        self.settled_offsets[fetch.partition].update(fetch.records[index].offset for index in indexes)
        released = self.ledger.complete(fetch, indexes)
        for completed in released:
            self.released_offsets[fetch.partition].extend(
                r.offset for r in completed.fetch.records[completed.start : completed.stop]
            )
        return released

    @rule(batch=consumes(ranges))
    def acknowledge(self, batch: list[CompletedRange]) -> None:
        for completed in reversed(batch):
            self.ledger.acknowledge(completed)
            if completed.fetch in self.alive:
                self.acknowledged_offsets[completed.fetch.partition].update(
                    r.offset for r in completed.fetch.records[completed.start : completed.stop]
                )

    @rule(p=st.integers(0, 2))
    def revoke(self, p: int) -> None:
        """The partition goes away and comes back at the committed offset."""
        committed = self.ledger.committable(Partition(TOPIC, p))
        self.ledger.revoke([Partition(TOPIC, p)])
        self.dead.extend((f, index) for f, index in self.unsettled if f.partition == p)
        self.unsettled = [(f, index) for f, index in self.unsettled if f.partition != p]
        self.alive = {f for f in self.alive if f.partition != p}
        self.start[p] = self.next_offset[p] = self.start[p] if committed is None else committed
        for state in (self.settled_offsets, self.acknowledged_offsets):
            state[p] = set()
        self.released_offsets[p] = []
        self.opened_offsets[p] = []

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def settle_what_was_revoked(self, data: st.DataObject) -> None:
        fetch, index = data.draw(st.sampled_from(self.dead))
        self.dead.remove((fetch, index))
        assert self.ledger.complete(fetch, [index]) == []

    @invariant()
    def only_contiguous_settled_prefixes_are_released_in_order_and_once(self) -> None:
        for p, released in self.released_offsets.items():
            opened = self.opened_offsets[p]
            assert released == opened[: len(released)]
            assert set(released) <= self.settled_offsets[p]
            if len(released) < len(opened):
                assert opened[len(released)] not in self.settled_offsets[p]

    @invariant()
    def nothing_unacknowledged_is_below_the_committable_offset(self) -> None:
        for p, opened in self.opened_offsets.items():
            committable = self.ledger.committable(Partition(TOPIC, p))
            acknowledged = self.acknowledged_offsets[p]
            waiting = [offset for offset in opened if offset not in acknowledged]
            below = committable if committable is not None else self.start[p]
            assert all(offset >= below for offset in waiting)
            if opened and not waiting:
                assert committable == self.next_offset[p]


LedgerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase


@given(st.permutations(range(12)))
def test_any_order_of_completion_hands_everything_out_once_and_in_order(order: list[int]) -> None:
    ledger = Ledger()
    fetches = [make_fetch(0, [0] * 6), make_fetch(6, [0] * 6)]
    for fetch in fetches:
        ledger.open(fetch)
    offsets: list[int] = []
    for number in order:
        for completed in ledger.complete(fetches[number // 6], [number % 6]):
            offsets.extend(r.offset for r in completed.fetch.records[completed.start : completed.stop])
            ledger.acknowledge(completed)
    assert offsets == list(range(12))
    assert ledger.committable(Partition(TOPIC, 0)) == 12
    assert not any(ledger.knows(fetch) for fetch in fetches)

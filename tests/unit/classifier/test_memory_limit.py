"""The limit follows the memory, down and up again, whatever single texts ask for."""

import math
from collections.abc import Sequence, Set

from hypothesis import example, given
from hypothesis import strategies as st

from worker.classifier.memory_limit import FIRST_PATIENCE, MAX_PATIENCE, MemoryLimit, Part, Shortage

WIDTH = 8


def run(
    rows: int,
    capacity: int,
    limit: int,
    *,
    alone: Set[int] = frozenset(),
    beside: Set[int] = frozenset(),
    widths: Sequence[int] | None = None,
) -> tuple[Shortage, int, int]:
    """Bisect a batch as the device does; returns what it shows, how often the model ran, and how often it failed.

    Rows in ``alone`` ask for more memory than there is, those in ``beside`` do with any neighbour.
    """
    widths = widths or [WIDTH] * rows
    shortage, calls, failures = Shortage(), 0, 0
    pending = [(0, rows)]
    while pending:
        start, stop = pending.pop()
        size = (stop - start) * max(widths[start:stop])
        halves = [((start + stop) // 2, stop), (start, (start + stop) // 2)]
        if stop - start > 1 and (size > limit or not shortage.worth_a_try(size)):
            pending += halves
            continue
        calls += 1
        inside = set(range(start, stop))
        if (size > capacity and stop - start > 1) or alone & inside or (beside & inside and stop - start > 1):
            failures += 1
            shortage.fails(Part(start, stop, size))
            pending += halves if stop - start > 1 else []
        else:
            shortage.fits(Part(start, stop, size))
    return shortage, calls, failures


def levels(rows: int) -> int:
    return math.ceil(math.log2(rows)) if rows > 1 else 0


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_batch_that_is_too_large_lowers_the_limit_to_what_fits(rows: int, fitting: int) -> None:
    limit = MemoryLimit(10**6)
    shortage, _, failures = run(rows, fitting * WIDTH, limit.tokens)

    limit.after(shortage)

    if rows <= fitting:
        assert (failures, limit.tokens) == (0, 10**6)
    else:
        assert fitting * WIDTH // 2 < limit.tokens <= fitting * WIDTH
        assert failures <= levels(rows) + 2


@given(st.integers(2, 300), st.data())
def test_one_text_never_lowers_the_limit_of_a_batch_that_has_others(rows: int, data: st.DataObject) -> None:
    heavy = data.draw(st.integers(0, rows - 1))
    limit = MemoryLimit(10**6)
    shortage, calls, _ = run(rows, 10**6, limit.tokens, alone={heavy})

    limit.after(shortage)

    assert limit.tokens == 10**6
    assert calls <= 2 * levels(rows) + 1


@given(st.lists(st.integers(1, 500), min_size=2, max_size=100), st.data())
def test_a_long_text_that_fails_alone_does_not_either(widths: list[int], data: st.DataObject) -> None:
    heavy = data.draw(st.integers(0, len(widths) - 1))
    widths[heavy] = 512
    limit = MemoryLimit(10**6)
    shortage, _, _ = run(len(widths), 10**6, limit.tokens, alone={heavy}, widths=widths)

    limit.after(shortage)

    assert limit.tokens == 10**6


@given(st.integers(2, 8), st.data())
def test_a_text_that_fits_alone_but_beside_no_other_does_not_either(power: int, data: st.DataObject) -> None:
    rows = 2**power
    heavy = data.draw(st.integers(0, rows - 1))
    limit = MemoryLimit(10**6)
    shortage, calls, _ = run(rows, 10**6, limit.tokens, beside={heavy})

    limit.after(shortage)

    assert limit.tokens == 10**6
    assert calls <= 2 * levels(rows) + 1


@given(st.integers(2, 200), st.integers(1, 200), st.sets(st.integers(0, 199)), st.sets(st.integers(0, 199)))
def test_every_text_that_fits_alone_is_scored_within_twice_as_many_passes(
    rows: int, fitting: int, alone: set[int], beside: set[int]
) -> None:
    limit = MemoryLimit(10**6)
    shortage, calls, _ = run(rows, fitting * WIDTH, limit.tokens, alone=alone, beside=beside)

    limit.after(shortage)

    assert calls <= 2 * rows - 1
    assert 0 < limit.tokens <= 10**6


capacities = st.lists(st.tuples(st.integers(1, 64), st.integers(1, 40)), max_size=8)


@given(capacities, st.integers(1, 64), st.lists(st.booleans(), max_size=40))
@example([(1, 40)], 64, [True] * 40)
def test_the_limit_comes_back_to_the_memory_that_there_is(
    history: list[tuple[int, int]], capacity: int, poisoned: list[bool]
) -> None:
    configured = 64 * WIDTH
    limit = MemoryLimit(configured)

    def batch(capacity: int, poison: bool = False) -> None:
        rows = max(limit.tokens // WIDTH, 1)
        shortage, _, _ = run(rows, capacity * WIDTH, limit.tokens, alone={0} if poison else set())
        limit.after(shortage)
        assert 0 < limit.tokens <= configured

    for then, batches in history:
        for _ in range(batches):
            batch(then)
    for poison in poisoned:
        batch(capacity, poison)

    best = 0
    for _ in range(MAX_PATIENCE + 7 * (FIRST_PATIENCE + 1)):
        batch(capacity)
        best = max(best, limit.tokens)

    assert best == configured if capacity == 64 else best * 2 > capacity * WIDTH


@given(st.integers(1, 63))
def test_a_lasting_shortage_costs_ever_fewer_batches(capacity: int) -> None:
    limit = MemoryLimit(64 * WIDTH)
    failed = []
    for _ in range(20 * MAX_PATIENCE):
        shortage, _, failures = run(max(limit.tokens // WIDTH, 1), capacity * WIDTH, limit.tokens)
        limit.after(shortage)
        failed.append(failures)

    assert sum(count > 0 for count in failed[-10 * MAX_PATIENCE :]) <= 10 * (1 + levels(64))

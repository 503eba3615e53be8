"""The batching policy's promises, for any lengths, limits and times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.batching.planner import LOOKAHEAD, Flush, Limits, choose, plan

LENGTHS = st.lists(st.integers(1, 600), min_size=1, max_size=300).map(lambda values: np.array(values, dtype=np.int32))
LIMITS = st.builds(
    Limits,
    batch_size=st.integers(1, 64),
    batch_tokens=st.integers(1, 4096),
    batch_time=st.floats(0, 10),
    in_flight=st.integers(1, 4),
)
FAR = Limits(batch_size=100, batch_tokens=100_000, batch_time=0.05, in_flight=2)


def lengths_of(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


@given(LENGTHS, LIMITS)
def test_bounds_are_never_exceeded(lengths: np.ndarray, limits: Limits) -> None:
    chosen = choose(lengths, limits)
    assert 1 <= chosen.size <= limits.batch_size
    assert chosen.size == 1 or lengths[chosen].max() * chosen.size <= limits.batch_tokens


@given(LENGTHS, LIMITS)
def test_the_oldest_is_in_every_batch_and_nothing_is_in_it_twice(lengths: np.ndarray, limits: Limits) -> None:
    chosen = choose(lengths, limits)
    assert chosen[0] == 0
    assert np.unique(chosen).size == chosen.size
    assert chosen.max() < lengths.size


@given(LENGTHS, LIMITS)
def test_no_text_left_behind_is_nearer_in_length_than_one_taken(lengths: np.ndarray, limits: Limits) -> None:
    chosen = choose(lengths, limits)
    left = np.setdiff1d(np.arange(min(lengths.size, LOOKAHEAD * limits.batch_size)), chosen)
    distance = np.abs(lengths - lengths[0])
    if left.size:
        assert distance[left].min() >= distance[chosen].max()


@given(LENGTHS, LIMITS)
def test_no_text_overtakes_more_than_the_lookahead(lengths: np.ndarray, limits: Limits) -> None:
    assert choose(lengths, limits).max() < LOOKAHEAD * limits.batch_size


@given(LENGTHS, LIMITS)
def test_a_batch_is_cut_only_at_a_bound(lengths: np.ndarray, limits: Limits) -> None:
    chosen = choose(lengths, limits)
    if chosen.size < min(lengths.size, limits.batch_size):
        distance = np.abs(lengths[: LOOKAHEAD * limits.batch_size] - lengths[0])
        following = np.argsort(distance, kind="stable")[: chosen.size + 1]
        assert lengths[following].max() * following.size > limits.batch_tokens


def test_a_batch_is_as_large_as_its_bound_lets_it_be() -> None:
    """The same by a case that no draw of lengths and limits can miss."""
    assert choose(lengths_of(*[5] * 300), FAR).size == FAR.batch_size
    assert choose(lengths_of(*[1_000] * 300), FAR).size == FAR.batch_tokens // 1_000


@given(LENGTHS, LIMITS, st.floats(0, 1e6), st.floats(0, 20), st.integers(0, 5), st.booleans())
def test_the_oldest_leaves_once_its_time_is_up_and_the_device_can_take_it(
    lengths: np.ndarray, limits: Limits, oldest: float, waited: float, in_flight: int, draining: bool
) -> None:
    now = oldest + waited
    decision = plan(lengths, oldest, now, limits, in_flight, draining=draining)
    if in_flight >= limits.in_flight:
        assert decision.flush is None
        assert decision.deadline is None
    elif now >= oldest + limits.batch_time or in_flight == 0 or draining:
        assert decision.flush is not None
        assert 0 in decision.chosen
    elif decision.flush is None:
        assert decision.deadline == oldest + limits.batch_time
        assert decision.deadline > now


@given(LENGTHS, LIMITS)
def test_asking_again_until_empty_dispatches_everything_once(lengths: np.ndarray, limits: Limits) -> None:
    names = np.arange(lengths.size)
    waiting = names.tolist()
    dispatched: list[int] = []
    while names.size:
        decision = plan(lengths, 0.0, 0.0, limits, in_flight=0)
        assert decision.flush is not None
        dispatched.extend(names[decision.chosen].tolist())
        lengths, names = np.delete(lengths, decision.chosen), np.delete(names, decision.chosen)
    assert sorted(dispatched) == waiting


@pytest.mark.parametrize(
    ("lengths", "limits", "now", "in_flight", "draining", "expected"),
    [
        pytest.param(lengths_of(), FAR, 0.0, 0, False, None, id="nothing waits"),
        pytest.param(lengths_of(5), FAR, 0.0, 0, False, Flush.IDLE, id="an idle device gets what there is"),
        pytest.param(lengths_of(5), FAR, 0.01, 1, False, None, id="behind a running batch the next may still grow"),
        pytest.param(lengths_of(5), FAR, 0.05, 1, False, Flush.TIME, id="its time is up"),
        pytest.param(lengths_of(5), FAR, 0.01, 1, True, Flush.DRAIN, id="nothing more will arrive"),
        pytest.param(lengths_of(5), FAR, 9.0, 2, False, None, id="the device can take no more"),
        pytest.param(lengths_of(*[5] * 100), FAR, 0.0, 1, False, Flush.SIZE, id="as many as a batch holds"),
        pytest.param(
            lengths_of(5, 6, 90), Limits(9, 100, 1.0, 2), 0.0, 1, False, Flush.TOKENS, id="the long one does not fit"
        ),
    ],
)
def test_why_a_batch_is_dispatched(
    lengths: np.ndarray, limits: Limits, now: float, in_flight: int, draining: bool, expected: Flush | None
) -> None:
    decision = plan(lengths, 0.0, now, limits, in_flight, draining=draining)
    assert decision.flush is expected
    assert (decision.chosen.size > 0) == (expected is not None)


def test_the_next_question_is_due_when_the_oldest_has_waited_long_enough() -> None:
    decision = plan(lengths_of(5), 10.0, 10.01, FAR, in_flight=1)
    assert (decision.flush, decision.deadline) == (None, 10.0 + FAR.batch_time)


def test_a_text_over_the_whole_budget_goes_alone() -> None:
    chosen = choose(lengths_of(512, 512, 3), Limits(batch_size=8, batch_tokens=100, batch_time=1, in_flight=1))
    assert chosen.tolist() == [0]


def test_a_neighbour_at_the_end_of_the_lookahead_is_found_and_none_behind_it() -> None:
    lengths = np.full(3 * LOOKAHEAD + 1, 300, dtype=np.int32)
    lengths[[0, 3 * LOOKAHEAD - 1, 3 * LOOKAHEAD]] = 10
    chosen = choose(lengths, Limits(batch_size=3, batch_tokens=100_000, batch_time=1, in_flight=1))
    assert chosen.tolist() == [0, 3 * LOOKAHEAD - 1, 1]


def test_neighbours_in_length_share_a_batch() -> None:
    chosen = choose(lengths_of(10, 300, 11, 9, 290, 10), Limits(4, 100_000, 1, 1))
    assert chosen.tolist() == [0, 5, 2, 3]

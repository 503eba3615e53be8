"""A flood of invalid events stops the worker; anything less does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.breaker import WINDOW, Breaker
from worker.errors import FloodError


@pytest.mark.parametrize(
    "releases",
    [
        pytest.param([(5, range(5)), (5, range(5))], id="whole releases"),
        pytest.param([(9, range(3, 9)), (4, range(4))], id="from the end of one to the start of the next"),
        pytest.param([(20, range(4, 15))], id="within one release"),
    ],
)
def test_too_many_invalid_events_in_a_row_stop_the_worker(releases: list[tuple[int, range]]) -> None:
    breaker = Breaker(max_consecutive=9, max_ratio=1.0)
    for size, invalid in releases[:-1]:
        breaker.count(size, invalid)
    with pytest.raises(FloodError, match="max_consecutive_invalid"):
        breaker.count(*releases[-1])


def test_one_valid_event_ends_a_run() -> None:
    breaker = Breaker(max_consecutive=9, max_ratio=1.0)
    for _ in range(100):
        breaker.count(10, range(1, 10))


def test_a_high_share_of_invalid_events_stops_the_worker() -> None:
    breaker = Breaker(max_consecutive=WINDOW, max_ratio=0.5)
    for _ in range(WINDOW // 10 - 1):
        breaker.count(10, range(6))
    with pytest.raises(FloodError, match="max_invalid_ratio"):
        breaker.count(10, range(6))


def test_a_short_burst_does_not_stop_the_worker() -> None:
    breaker = Breaker(max_consecutive=WINDOW, max_ratio=0.5)
    breaker.count(WINDOW // 2, range(WINDOW // 2))
    for _ in range(100):
        breaker.count(WINDOW // 2, [])
        breaker.count(WINDOW // 2, range(0, WINDOW // 2, 2))


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=20), max_size=30), st.integers(1, 30))
def test_the_run_is_counted_across_any_split_into_releases(releases: list[list[bool]], limit: int) -> None:
    breaker = Breaker(max_consecutive=limit, max_ratio=1.0)
    run = 0
    for release in releases:
        expected = False
        for valid in release:
            run = 0 if valid else run + 1
            expected |= run > limit
        invalid = [position for position, valid in enumerate(release) if not valid]
        if expected:
            with pytest.raises(FloodError):
                breaker.count(len(release), invalid)
            return
        breaker.count(len(release), invalid)

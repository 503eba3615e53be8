"""A flood of invalid events stops the worker; anything less does not."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from error_codes import raises_code
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.breaker import WINDOW, Breaker
from worker.delivery.ledger import CompletedRange
from worker.errors import CircuitOpenError, Code, Reason, Rejection, Stage
from worker.fetch import Fetch
from worker.settings import Settings


@dataclass(frozen=True)
class StubRecord:
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: tuple[tuple[str, bytes | None], ...] = ()


def released(size: int, first_offset: int = 0, partition: int = 0) -> CompletedRange:
    records = [StubRecord(first_offset + index) for index in range(size)]
    return CompletedRange(Fetch("texts", partition, records, first_offset + size, 0.0), 0, size)


def rejected(indexes: Iterable[int], reason: Reason = Reason.NO_TEXT) -> dict[int, Rejection]:
    return {index: Rejection(reason, Stage.DECODE, "") for index in indexes}


def count(breaker: Breaker, size: int, invalid: Iterable[int]) -> None:
    breaker.count(released(size), rejected(invalid))


@pytest.mark.parametrize(
    "ranges",
    [
        pytest.param([(5, range(5)), (5, range(5))], id="whole ranges"),
        pytest.param([(9, range(3, 9)), (4, range(4))], id="from the end of one to the start of the next"),
        pytest.param([(20, range(4, 15))], id="within one range"),
    ],
)
def test_too_many_invalid_events_in_a_row_stop_the_worker(ranges: list[tuple[int, range]]) -> None:
    breaker = Breaker(max_consecutive=9, max_ratio=1.0)
    for size, invalid in ranges[:-1]:
        count(breaker, size, invalid)
    with raises_code(CircuitOpenError, Code.CIRCUIT_OPEN) as raised:
        count(breaker, *ranges[-1])
    assert "(max_consecutive_invalid)" in str(raised.value)


def test_a_damaged_batch_counts_as_one_event() -> None:
    breaker = Breaker(max_consecutive=9, max_ratio=1.0)
    damaged = {index: Rejection(Reason.UNREADABLE_BATCH, Stage.RECEIVE, "", counts=index == 0) for index in range(500)}
    for _ in range(9):
        breaker.count(released(500), damaged)
    with pytest.raises(CircuitOpenError, match="unreadable_batch 10"):
        breaker.count(released(500), damaged)


def test_one_valid_event_ends_a_run() -> None:
    breaker = Breaker(max_consecutive=9, max_ratio=1.0)
    for _ in range(100):
        count(breaker, 10, range(1, 10))


def test_a_high_share_of_invalid_events_stops_the_worker() -> None:
    breaker = Breaker(max_consecutive=WINDOW, max_ratio=0.5)
    for _ in range(WINDOW // 10 - 1):
        count(breaker, 10, range(6))
    with raises_code(CircuitOpenError, Code.CIRCUIT_OPEN) as raised:
        count(breaker, 10, range(6))
    assert "max_invalid_ratio=0.5" in str(raised.value)


def test_a_short_burst_does_not_stop_the_worker() -> None:
    breaker = Breaker(max_consecutive=WINDOW, max_ratio=0.5)
    count(breaker, WINDOW // 2, range(WINDOW // 2))
    for _ in range(100):
        count(breaker, WINDOW // 2, [])
        count(breaker, WINDOW // 2, range(0, WINDOW // 2, 2))


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=20), max_size=30), st.integers(1, 30))
def test_the_run_is_counted_across_any_split_into_ranges(ranges: list[list[bool]], limit: int) -> None:
    breaker = Breaker(max_consecutive=limit, max_ratio=1.0)
    run = 0
    for completed in ranges:
        expected = False
        for valid in completed:
            run = 0 if valid else run + 1
            expected |= run > limit
        invalid = [position for position, valid in enumerate(completed) if not valid]
        if expected:
            with pytest.raises(CircuitOpenError):
                count(breaker, len(completed), invalid)
            return
        count(breaker, len(completed), invalid)


def test_the_message_counts_the_reasons_of_the_run_and_names_the_place_of_its_first_event() -> None:
    breaker = Breaker(max_consecutive=9, max_ratio=1.0)
    breaker.count(released(5, 100), rejected([0, 1], Reason.NOT_UTF8))  # another run, which ends
    breaker.count(released(5, 200, partition=3), rejected([3, 4]))
    with pytest.raises(CircuitOpenError) as raised:
        breaker.count(released(9, 300), rejected(range(6)) | rejected([6, 7, 8], Reason.NOT_JSON))
    assert "(no_text 8, not_json 2), the first at offset 203 of texts[3]:" in str(raised.value)


def test_the_message_about_the_share_counts_the_reasons_among_the_newest_events() -> None:
    breaker = Breaker(max_consecutive=2 * WINDOW, max_ratio=0.5)
    breaker.count(released(WINDOW), rejected([1], Reason.NOT_UTF8))  # is not among the newest any more
    breaker.count(released(WINDOW // 2, 20_000, partition=1), rejected(range(100, WINDOW // 2)))
    with pytest.raises(CircuitOpenError) as raised:
        breaker.count(released(WINDOW // 2, 40_000), rejected(range(200), Reason.NOT_JSON))
    assert f"(no_text {WINDOW // 2 - 100:,}, not_json 200), the first at offset 20100 of texts[1]:" in str(raised.value)


@pytest.mark.parametrize("limits", [(9, 1.0), (10 * WINDOW, 0.5)], ids=["in a row", "share"])
def test_the_settings_that_the_message_names_let_any_flood_pass(limits: tuple[int, float]) -> None:
    with pytest.raises(CircuitOpenError) as raised:
        count(Breaker(*limits), WINDOW, range(WINDOW))
    found = re.search(r"run with ((--\S+ \S+ ?)+)\. ", str(raised.value))
    assert found, raised.value
    flags = shlex.split(found[1])
    values = {flag.removeprefix("--").replace("-", "_"): value for flag, value in zip(*[iter(flags)] * 2, strict=True)}
    settings = Settings(**values)
    breaker = Breaker(settings.max_consecutive_invalid, settings.max_invalid_ratio)
    for _ in range(30):
        count(breaker, WINDOW, range(WINDOW))


def test_the_share_is_looked_at_from_a_whole_window_on() -> None:
    breaker = Breaker(max_consecutive=2 * WINDOW, max_ratio=0.5)
    count(breaker, WINDOW - 1, range(WINDOW - 1))
    with pytest.raises(CircuitOpenError, match=r"max_invalid_ratio=0\.5"):
        count(breaker, 1, [0])


def test_as_large_a_share_as_is_allowed_passes() -> None:
    breaker = Breaker(max_consecutive=WINDOW, max_ratio=0.5)
    count(breaker, WINDOW, range(WINDOW // 2))
    count(breaker, WINDOW, range(WINDOW // 2))
    with pytest.raises(CircuitOpenError, match=r"max_invalid_ratio=0\.5"):
        count(breaker, WINDOW, range(WINDOW // 2 + 1))

"""Latency quantiles from buckets are at most a quarter too high, never too low."""

from hypothesis import given
from hypothesis import strategies as st

from worker.observability.statistics import LATENCY_BOUNDS, Counters


@given(st.lists(st.floats(0.001, LATENCY_BOUNDS[-1]), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_right_within_a_bucket(latencies: list[float], quantile: float) -> None:
    counters = Counters()
    for latency in latencies:
        counters.observe_latency(latency, 1)
    ranked = sorted(latencies)
    exact = next(value for rank, value in enumerate(ranked, 1) if rank >= quantile * len(ranked))
    estimate = counters.latency(quantile)
    assert estimate is not None
    assert exact <= estimate <= exact * 1.25 * (1 + 1e-9)


def test_before_any_event_there_is_no_latency() -> None:
    assert Counters().latency(0.5) is None


def test_latencies_beyond_the_last_bucket_count_as_the_last() -> None:
    counters = Counters()
    counters.observe_latency(1e9, 5)
    assert counters.latency(0.5) == LATENCY_BOUNDS[-1]

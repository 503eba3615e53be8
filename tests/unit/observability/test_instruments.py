"""Metrics hold what was counted, and render as prometheus_client's own would."""

import threading

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as TheirHistogram

from worker.observability.instruments import Counter, Gauge, Histogram
from worker.observability.metrics import LATENCY_BOUNDS

BOUNDS = (0.5, 1.0, 4.0)


def page_of(instrument: Counter | Histogram | Gauge) -> str:
    registry = CollectorRegistry()
    registry.register(instrument)
    return generate_latest(registry).decode()


@given(st.lists(st.tuples(st.sampled_from((0.0, 0.5, 0.75, 1.0, 4.0, 9.0)), st.integers(1, 3))))
def test_a_histogram_renders_as_prometheus_clients_does(observed: list[tuple[float, int]]) -> None:
    registry = CollectorRegistry()
    theirs = TheirHistogram("sentiment_worker_x_seconds", "Help.", buckets=BOUNDS, registry=registry)
    ours = Histogram("x_seconds", "Help.", buckets=BOUNDS, finer=(0.7, 2.0), unit="seconds")
    each = Histogram("x_seconds", "Help.", buckets=BOUNDS, unit="seconds")
    for value, count in observed:
        ours.observe(value, count)
        for _ in range(count):
            theirs.observe(value)
    each.observe_each([value for value, count in observed for _ in range(count)])
    expected = [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]
    assert page_of(ours).splitlines() == expected
    assert page_of(each).splitlines() == expected


@given(st.lists(st.floats(0.001, LATENCY_BOUNDS[-1]), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_right_within_a_bucket(latencies: list[float], quantile: float) -> None:
    histogram = Histogram("x_seconds", "Help.", buckets=(1.0, 60.0), finer=LATENCY_BOUNDS)
    for latency in latencies:
        histogram.observe(latency)
    ranked = sorted(latencies)
    exact = next(value for rank, value in enumerate(ranked, 1) if rank >= quantile * len(ranked))
    estimate = histogram.quantile(quantile)
    assert estimate is not None
    assert exact <= estimate <= exact * 1.25 * (1 + 1e-9)


def test_before_any_observation_there_is_no_quantile() -> None:
    assert Histogram("x_seconds", "Help.", buckets=BOUNDS).quantile(0.5) is None


def test_what_is_beyond_the_last_bucket_counts_as_the_last() -> None:
    histogram = Histogram("x_seconds", "Help.", buckets=BOUNDS)
    histogram.observe(1e9, 5)
    assert histogram.quantile(0.5) == BOUNDS[-1]


def test_a_counter_shows_known_labels_before_they_are_counted_and_reads_without_them() -> None:
    counter = Counter("x_total", "Help.", labels=["reason"], known=["a", "b"])
    counter.inc(3, "b")
    counter.inc(1, "c")
    assert page_of(counter).splitlines()[2:] == [
        'sentiment_worker_x_total{reason="a"} 0.0',
        'sentiment_worker_x_total{reason="b"} 3.0',
        'sentiment_worker_x_total{reason="c"} 1.0',
    ]
    assert counter.by_label() == {"b": 3, "c": 1}
    assert counter.total == 4


def test_a_counter_that_its_owner_keeps_is_asked_for_at_each_scrape() -> None:
    numbers = iter((1.0, 2.5))
    counter = Counter("x_seconds_total", "Help.", unit="seconds")
    counter.ask(lambda: next(numbers))
    assert page_of(counter).endswith("sentiment_worker_x_seconds_total 1.0\n")
    assert counter.total == 2.5


def test_no_count_is_lost_between_threads() -> None:
    counter, histogram = Counter("x_total", "Help."), Histogram("x_seconds", "Help.", buckets=BOUNDS)

    def count() -> None:
        for _ in range(20_000):
            counter.inc()
            histogram.observe(1.0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.total == histogram.count == 80_000


def test_a_gauge_has_no_sample_as_long_as_its_value_is_not_known() -> None:
    gauge = Gauge("x", "Help.")
    assert gauge.value is None
    assert page_of(gauge).splitlines() == ["# HELP sentiment_worker_x Help.", "# TYPE sentiment_worker_x gauge"]
    gauge.ask(lambda: None)
    assert gauge.value is None
    gauge.set(2)
    assert gauge.value == 2


def test_a_gauge_asks_at_each_scrape() -> None:
    numbers = iter((1.0, 2.0))
    gauge = Gauge("x", "Help.")
    gauge.ask(lambda: next(numbers))
    assert page_of(gauge).endswith("sentiment_worker_x 1.0\n")
    assert page_of(gauge).endswith("sentiment_worker_x 2.0\n")


def test_a_gauge_with_labels_forgets_those_that_are_gone() -> None:
    lags: dict[tuple[str, ...], float] = {("in", "0"): 5.0, ("in", "1"): 7.0}
    gauge = Gauge("x", "Help.", labels=["topic", "partition"])
    gauge.ask_by_label(lambda: lags)
    assert 'sentiment_worker_x{partition="1",topic="in"} 7.0' in page_of(gauge)
    del lags["in", "1"]
    assert 'partition="1"' not in page_of(gauge)

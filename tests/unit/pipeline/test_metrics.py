"""Check the pipeline's metrics of waiting and of time."""

import asyncio
from dataclasses import replace

import pytest
from unit.pipeline.bench import Bench, fetch_of, with_pipeline, words

from worker.delivery.ledger import CompletedRange
from worker.pipeline.admission import Admission
from worker.settings import load_settings


def test_backpressure_counts_while_a_fetch_waits_and_not_after() -> None:
    async def body(bench: Bench) -> None:
        backpressure = bench.telemetry.metrics.backpressure
        await bench.submit(fetch_of([words(1)] * 3))
        bench.loop.advance(5)
        assert backpressure.total == 0
        second = asyncio.create_task(bench.submit(fetch_of([words(1)] * 3, first=3)))
        await bench.until(lambda: bool(bench.answers))
        bench.loop.advance(7)
        assert backpressure.total == 7, "it waits still"
        bench.acknowledge_all()
        await second
        bench.loop.advance(100)
        assert backpressure.total == 7

    with_pipeline(body, max_pending_events=4)


def test_a_fetch_that_is_given_up_waits_no_longer() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)] * 3))
        second = asyncio.create_task(bench.submit(fetch_of([words(1)] * 3, first=3)))
        await bench.until(lambda: bool(bench.answers))
        bench.loop.advance(7)
        second.cancel()
        await asyncio.wait([second])
        bench.loop.advance(100)
        assert bench.telemetry.metrics.backpressure.total == 7

    with_pipeline(body, max_pending_events=4)


def test_fetches_that_wait_at_once_count_once() -> None:
    pending = Admission(load_settings())
    pending.wait(now=1.0)
    pending.wait(now=2.0)
    pending.go_on(now=3.0)
    assert pending.waited(now=4.0) == 3.0
    pending.go_on(now=5.0)
    assert pending.waited(now=9.0) == 4.0


def test_latencies_are_told_of_each_event_from_its_arrival_and_from_its_timestamp() -> None:
    async def body(bench: Bench) -> None:
        metrics = bench.telemetry.metrics
        fetch = replace(fetch_of([words(1)] * 3), received_at=500.0)  # written a millisecond after the epoch
        await bench.submit(fetch)
        await bench.until(lambda: bench.answered == 3)
        bench.loop.advance(1_000)
        bench.acknowledge_all()
        assert (metrics.processing_latency.count, metrics.processing_latency.sum) == (3, 4_500.0)
        assert metrics.end_to_end_latency.count == 3
        assert metrics.end_to_end_latency.sum == pytest.approx(5_999.997)

    with_pipeline(body)


def test_a_batch_tells_how_long_its_oldest_text_has_waited() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(replace(fetch_of([words(1)]), received_at=400.0))  # it is 1,000 now
        await bench.until(lambda: bench.answered == 1)
        wait = bench.telemetry.metrics.batch_wait
        assert (wait.count, wait.sum) == (1, 600.0)

    with_pipeline(body)


def test_the_age_of_a_record_without_a_timestamp_is_not_told_and_none_is_negative() -> None:
    fetch = fetch_of([words(1)] * 4)
    for record, timestamp in zip(fetch.records, (-1, 8_000, 10_000, 11_000), strict=True):
        object.__setattr__(record, "timestamp", timestamp)
    assert CompletedRange(fetch, 0, 4).ages(now=10.0) == [2.0, 0.0, 0.0]
    assert CompletedRange(fetch, 1, 2).ages(now=10.0) == [2.0]
    assert CompletedRange(fetch, 0, 1).ages(now=10.0) == []

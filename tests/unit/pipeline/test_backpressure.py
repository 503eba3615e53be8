"""The worker takes in as much as it may, and more once something is acknowledged."""

import asyncio

from unit.pipeline.bench import TOPIC, Bench, StubRecord, fetch_of, with_pipeline, words

from worker.fetch import Fetch


def test_a_full_worker_takes_nothing_more_until_something_is_acknowledged() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)] * 3))
        second = asyncio.create_task(bench.submit(fetch_of([words(1)] * 3, first=3)))
        await bench.until(lambda: bool(bench.answers))
        assert not second.done()
        assert bench.statistics().pending_events == 3
        bench.acknowledge_all()
        await second
        assert bench.statistics().pending_events == 3

    with_pipeline(body, max_pending_events=4)


def test_pending_bytes_are_bounded_too() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(10)]))
        second = asyncio.create_task(bench.submit(fetch_of([words(10)], first=1)))
        await bench.until(lambda: bool(bench.answers))
        assert not second.done()
        second.cancel()

    with_pipeline(body, max_pending_bytes=len(words(10)) + 5)


def test_keys_and_headers_count_as_pending_bytes() -> None:
    record = StubRecord(0, words(1), b"key", headers=(("name", b"12345"), ("x", None)))
    assert Fetch(TOPIC, 0, [record], 1, 0.0).size() == len(words(1)) + 3 + 9 + 1
    assert Fetch(TOPIC, 0, [StubRecord(0, None, None)], 1, 0.0).size() == 0


def test_nothing_is_pending_once_all_is_acknowledged_in_whatever_order() -> None:
    async def body(bench: Bench) -> None:
        for first in (0, 2, 4):
            await bench.submit(fetch_of([words(1), words(2)], first))
        await bench.until(lambda: bench.answered == 6)
        for answer in reversed(bench.answers):
            assert bench.statistics().pending_events == 6
            bench.acknowledge(answer)
        found = bench.statistics()
        assert (found.pending_events, found.pending_bytes, found.published) == (0, 0, 6)
        assert bench.pipeline.stalled_for() == 0.0

    with_pipeline(body)

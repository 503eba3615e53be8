"""A worker in which something does not get on says for how long."""

import threading

from unit.pipeline.bench import Bench, StubClassifier, fetch_of, with_pipeline, words


def test_a_device_that_hangs_is_a_stall_while_dead_letters_are_still_acknowledged() -> None:
    classifier = StubClassifier()
    gate = threading.Event()
    scores = classifier.scores
    classifier.scores = lambda batch: gate.wait() and scores(batch)  # type: ignore[method-assign]

    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)], partition=0))
        assert bench.statistics().in_flight_batches == 1
        bench.loop.advance(30)
        await bench.submit(fetch_of([b"not json"], partition=1))
        bench.acknowledge_all()
        assert bench.pipeline.stalled_for() == 30
        gate.set()
        await bench.until(lambda: bench.statistics().in_flight_batches == 0)
        assert bench.pipeline.stalled_for() == 0
        bench.loop.advance(30)
        gate.clear()
        await bench.submit(fetch_of([words(1)], first=1, partition=0))
        assert bench.pipeline.stalled_for() == 30, "the first output is not acknowledged"
        gate.set()

    try:
        with_pipeline(body, classifier=classifier)
    finally:
        gate.set()


def test_a_worker_with_work_and_no_progress_is_stalled() -> None:
    async def body(bench: Bench) -> None:
        assert bench.pipeline.stalled_for() == 0
        bench.loop.advance(30)
        assert bench.pipeline.stalled_for() == 0, "there is nothing to do"
        await bench.submit(fetch_of([words(1)]))
        await bench.until(lambda: bool(bench.answers))
        bench.loop.advance(30)
        assert bench.pipeline.stalled_for() == 30
        bench.acknowledge_all()
        assert bench.pipeline.stalled_for() == 0
        bench.loop.advance(30)
        await bench.submit(fetch_of([words(1)], first=1))
        assert bench.pipeline.stalled_for() == 0, "it was idle until now"

    with_pipeline(body)


def test_one_partition_that_cannot_be_written_to_is_a_stall_although_others_get_on() -> None:
    async def body(bench: Bench) -> None:
        bench.publisher.failing_seconds = 299.0
        await bench.submit(fetch_of([words(1)]))
        await bench.until(lambda: bool(bench.answers))
        bench.acknowledge_all()
        assert bench.pipeline.stalled_for() == 299.0

    with_pipeline(body)

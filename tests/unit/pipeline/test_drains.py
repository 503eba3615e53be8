"""A drain finishes what was started, in time; what is revoked is forgotten."""

import asyncio
import threading

import pytest
from unit.pipeline.bench import TOPIC, Bench, StubClassifier, fetch_of, with_pipeline, words

from worker.codec.codec import STEP
from worker.delivery.ledger import Partition


def test_what_was_in_flight_for_a_revoked_partition_is_not_published() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 9))
        bench.pipeline.revoke([Partition(TOPIC, 0)])
        assert await bench.pipeline.drain(bench.within(5), work_off=bench.within(2))
        assert bench.answers == []
        assert bench.statistics().pending_events == 0

    with_pipeline(body)


def test_what_the_broker_acknowledges_after_a_revocation_counts_as_nothing() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([None, b"not json", words(3)]))
        await bench.until(lambda: bench.ledger.unacknowledged() > 0 and bench.answered == 3)
        before = bench.statistics()
        bench.pipeline.revoke([Partition(TOPIC, 0)])
        assert bench.publisher.withdrawn == [answer.completed.fetch for answer in bench.answers[:1]]
        bench.acknowledge_all()
        found = bench.statistics()
        assert (found.published, found.dead_lettered, found.forwarded, found.skipped) == (0, 0, 0, 0)
        assert (before.pending_events, found.pending_events, found.latency_p50) == (3, 0, None)
        assert bench.ledger.committable(Partition(TOPIC, 0)) is None

    with_pipeline(body)


def test_a_drain_works_off_what_was_received_and_waits_for_the_broker() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 40))
        drained = asyncio.create_task(bench.pipeline.drain(bench.within(20), work_off=bench.within(10)))
        await bench.until(lambda: bench.answered == 40)
        assert not drained.done()
        bench.acknowledge_all()
        assert await drained
        assert bench.ledger.committable(Partition(TOPIC, 0)) == 40

    with_pipeline(body)


def test_a_drain_says_when_the_broker_does_not_answer_in_time() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)]))
        await bench.until(lambda: bool(bench.answers))
        drained = asyncio.create_task(bench.pipeline.drain(bench.within(20), work_off=bench.within(10)))
        for _ in range(2):
            for _ in range(3):
                await asyncio.sleep(0)
            assert not drained.done()
            bench.loop.advance(10)
        assert not await drained
        assert bench.ledger.committable(Partition(TOPIC, 0)) is None

    with_pipeline(body)


def test_nothing_is_taken_while_draining() -> None:
    async def body(bench: Bench) -> None:
        assert await bench.pipeline.drain(bench.within(1), work_off=bench.within(1))
        await bench.submit(fetch_of([words(3)]))
        assert bench.statistics().received == 0
        bench.pipeline.resume()
        await bench.submit(fetch_of([words(3)], first=1))
        assert bench.statistics().received == 1

    with_pipeline(body)


def test_what_is_revoked_while_it_is_decoded_is_forgotten() -> None:
    async def body(bench: Bench) -> None:
        taken = asyncio.create_task(bench.submit(fetch_of([b"not json"] * (2 * STEP))))
        await bench.until(lambda: bench.statistics().received > 0)
        bench.pipeline.revoke([Partition(TOPIC, 0)])
        await taken
        assert (bench.answers, bench.failures) == ([], [])
        assert bench.statistics().pending_events == 0

    with_pipeline(body)


@pytest.mark.parametrize("at_a_stop", [True, False])
def test_what_is_not_started_is_worked_off_for_its_time_at_a_stop_and_left_at_a_rebalance(at_a_stop: bool) -> None:
    classifier, gate = StubClassifier(), threading.Event()
    scores = classifier.scores
    classifier.scores = lambda batch: gate.wait() and scores(batch)  # type: ignore[method-assign]

    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 40))
        work_off = bench.within(10) if at_a_stop else None
        drained = asyncio.create_task(bench.pipeline.drain(bench.within(20), work_off=work_off))
        await asyncio.sleep(0)
        waits = bench.statistics().waiting_texts
        assert (waits > 0) is at_a_stop
        bench.loop.advance(10)
        await bench.until(lambda: bench.statistics().waiting_texts == 0)
        assert not drained.done(), "what is started is finished"
        gate.set()
        await bench.until(lambda: bench.answered > 0 and bench.statistics().in_flight_batches == 0)
        bench.acknowledge_all()
        assert await drained
        assert 0 < bench.answered < 40

    try:
        with_pipeline(body, classifier=classifier)
    finally:
        gate.set()

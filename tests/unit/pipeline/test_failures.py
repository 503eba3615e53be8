"""Check that an error of a step ends the pipeline, and blames no event."""

import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from unit.pipeline.bench import Bench, Panic, StubClassifier, fetch_of, with_pipeline, words

from worker.batching import Backlog
from worker.codec import Codec
from worker.errors import CircuitOpenError, DeviceError


def test_a_panic_ends_the_pipeline_instead_of_its_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: Any) -> Any:
        raise Panic

    async def body(bench: Bench) -> None:
        monkeypatch.setattr(Codec, "decode_in_steps", panic)
        await bench.submit(fetch_of([words(3)]))
        assert isinstance(bench.failures[0], Panic)

    with_pipeline(body)


def test_a_dispatch_that_fails_in_its_timer_ends_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = StubClassifier()
    gate = threading.Event()
    scores = classifier.scores
    classifier.scores = lambda batch: gate.wait() and scores(batch)  # type: ignore[method-assign]

    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)] * 8))  # two batches keep the device busy, ...
        fresh = replace(fetch_of([words(1)], first=8), received_at=bench.loop.time())
        await bench.submit(fresh)  # ... and one text waits for its time
        assert bench.statistics().waiting_texts == 1
        monkeypatch.setattr(Backlog, "take", None)
        bench.loop.advance(0.3)
        await bench.until(lambda: bool(bench.failures))
        assert isinstance(bench.failures[0], TypeError)

    try:
        with_pipeline(body, classifier=classifier, max_batch_time=0.3, max_in_flight_batches=3)
    finally:
        gate.set()


def test_a_broken_device_ends_the_pipeline_and_blames_no_event() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 9))
        await bench.until(lambda: bool(bench.failures))
        assert isinstance(bench.failures[0], DeviceError)
        assert bench.answers == []
        await bench.submit(fetch_of([words(3)], first=9))
        assert bench.statistics().received == 9

    classifier = StubClassifier()
    classifier.broken = True
    with_pipeline(body, classifier=classifier)


def test_a_flood_of_invalid_events_ends_the_pipeline_before_it_is_published() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([b"not json"] * 9))
        assert bench.answers == []
        assert isinstance(bench.failures[0], CircuitOpenError)

    with_pipeline(body, max_consecutive_invalid=8)


def test_the_log_hears_of_every_dead_letter_although_no_other_comes(caplog: pytest.LogCaptureFixture) -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([b"not json"]))
        await bench.submit(fetch_of([b"not json"] * 2, first=1))
        assert caplog.messages == ["1 dead letter: not_json 1"]
        bench.loop.advance(10)
        await bench.until(lambda: len(caplog.messages) == 2)
        assert caplog.messages[1] == "2 dead letters: not_json 2"

    with caplog.at_level(logging.WARNING, "worker"):
        with_pipeline(body)

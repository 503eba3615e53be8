"""An event fills its metrics and writes its line.

Of what happens often the log hears at once, then not too often, and of the last of it too.
"""

import asyncio
import logging
from collections import Counter as Counts

import pytest
from prometheus_client import CollectorRegistry, Counter

from worker.errors import Reason
from worker.observability.events import DeadLettersDecided, FetchReceived, OffsetReset
from worker.observability.telemetry import Telemetry


class Log:
    """A worker's telemetry with the clock and the lines at hand."""

    def __init__(self, caplog: pytest.LogCaptureFixture, seconds: float = 10.0) -> None:
        self.now = 100.0
        self.telemetry = Telemetry(clock=lambda: self.now, line_seconds=seconds)
        self._caplog = caplog

    @property
    def said(self) -> list[str]:
        return self._caplog.messages

    def count(self, now: float, *reasons: Reason) -> None:
        self.now = now
        self.telemetry.emit(DeadLettersDecided(Counts(reasons)))


def test_the_first_is_told_at_once_and_the_next_ones_together_later(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        log = Log(caplog)
        log.count(100.0, Reason.NO_TEXT)
        log.count(101.0, *[Reason.NO_TEXT] * 1_500)
        log.count(109.9, Reason.NOT_JSON)
        assert log.said == ["1 dead letter: no_text 1"]
        log.count(110.0, Reason.NO_TEXT)
        log.count(111.0, Reason.NO_TEXT)
        assert log.said[1:] == ["1,502 dead letters: no_text 1,501, not_json 1"]
        assert log.telemetry.metrics.dead_letter_messages.by_label() == {"no_text": 1_503, "not_json": 1}

    asyncio.run(body())


def test_the_rest_is_told_in_time_although_nothing_more_comes(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        log = Log(caplog, seconds=0.05)
        log.count(100.0, Reason.NO_TEXT)
        log.count(100.0, Reason.EMPTY_TEXT)
        async with asyncio.timeout(20):
            while len(log.said) < 2:
                await asyncio.sleep(0)
        assert log.said[1] == "1 dead letter: empty_text 1"

    asyncio.run(body())


def test_the_rest_is_told_at_the_end_and_nothing_twice(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        log = Log(caplog)
        log.telemetry.flush()
        assert log.said == []
        log.count(101.0, Reason.NO_TEXT)
        log.count(102.0, Reason.EMPTY_TEXT, Reason.EMPTY_TEXT)
        log.telemetry.flush()
        log.telemetry.flush()
        assert log.said == ["1 dead letter: no_text 1", "2 dead letters: empty_text 2"]

    asyncio.run(body())


def test_an_event_with_a_line_writes_it_each_time_and_one_without_writes_none(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry()
    telemetry.emit(FetchReceived(3))
    for _ in range(2):
        telemetry.emit(OffsetReset("in[0]: it is 100 % away"))
    assert caplog.record_tuples == [
        ("worker.observability.telemetry", logging.WARNING, "in[0]: it is 100 % away"),
        ("worker.observability.telemetry", logging.WARNING, "in[0]: it is 100 % away"),
    ]
    assert telemetry.metrics.received_messages.total == 3
    assert telemetry.metrics.offset_resets.total == 2


def test_two_workers_in_a_process_count_apart() -> None:
    one, other = Telemetry(), Telemetry()
    one.emit(FetchReceived(3))
    assert one.registry.get_sample_value("sentiment_worker_received_messages_total") == 3
    assert other.registry.get_sample_value("sentiment_worker_received_messages_total") == 0


def test_a_registry_that_is_given_keeps_what_it_has_and_gets_the_workers_metrics() -> None:
    registry = CollectorRegistry()
    Counter("orders", "Orders.", registry=registry)
    Telemetry(registry).emit(FetchReceived(3))
    names = {metric.name for metric in registry.collect()}
    assert {"orders", "sentiment_worker_received_messages"} <= names
    assert "python_info" not in names, "an app with a registry of its own may have that already"

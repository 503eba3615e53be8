"""A stop ends, is told once, and names its reason."""

import asyncio
import logging
from typing import Any
from unittest.mock import AsyncMock

import pytest
from unit.engine.engines import Clock, engine_of, pipeline

from worker.deadline import STOP_GRACE, Deadline, StopDeadlines
from worker.engine.watchdog import StopWatchdog
from worker.errors import Code, DeviceError
from worker.observability.telemetry import Telemetry
from worker.settings import load_settings


def test_who_waits_to_say_ready_gives_up_once_the_engine_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        engine = engine_of()
        await engine.stop()
        # From now on a sleep is over at once, and may swallow the cancellation that should end the loop around it.
        monkeypatch.setattr(engine, "sleep", AsyncMock(side_effect=AssertionError("waits on")))
        await engine.say_when_ready()

    asyncio.run(scenario())


def test_the_time_of_a_stop_is_split_between_its_phases() -> None:
    deadlines = StopDeadlines.begin(now=100.0, drain_timeout=30.0)
    ends = [deadlines.work_off, deadlines.finish, deadlines.close]
    assert [end.remaining(now=100.0) for end in ends] == [15.0, 30.0, 30.0 + STOP_GRACE]
    assert [end.remaining(now=120.0) for end in ends] == [0.0, 10.0, 10.0 + STOP_GRACE]


class Drains:
    """Notes the deadlines of each drain."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.deadlines: list[tuple[Deadline, Deadline | None]] = []

    async def __call__(self, finish: Deadline, *, work_off: Deadline | None = None) -> bool:
        self.deadlines.append((finish, work_off))
        self._clock.now += 5
        return False


def test_a_stop_that_is_asked_for_twice_has_one_deadline_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    drains = Drains(clock)
    settings = load_settings(drain_timeout=30.0)
    engine = engine_of(
        pipeline(drain=drains, failure=DeviceError(Code.DEVICE_FAILED, "gone")), clock=clock, settings=settings
    )
    engine.session.joined(clock.now)
    begin = clock.now
    for _ in range(2):
        asyncio.run(engine.drain(stopping=True))
    assert drains.deadlines == [(Deadline(begin + 30), Deadline(begin + 15))] * 2
    assert [record.message.split(":")[0] for record in caplog.records] == ["stopping", "drained"]
    assert engine.unfinished


def test_each_rebalance_has_a_deadline_of_its_own_and_works_nothing_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    drains = Drains(clock)
    engine = engine_of(pipeline(drain=drains), clock=clock, settings=load_settings(drain_timeout=30.0))
    engine.session.joined(clock.now)
    begin = clock.now
    for _ in range(2):
        asyncio.run(engine.drain(stopping=False))
    asyncio.run(engine.drain(stopping=True))
    asyncio.run(engine.drain(stopping=False))
    stop = Deadline(begin + 40)
    assert drains.deadlines == [
        *((Deadline(begin + 30), None), (Deadline(begin + 35), None)),
        *((stop, Deadline(begin + 25)), (stop, None)),
    ]
    assert [record.message.split(":")[0] for record in caplog.records] == ["drained", "drained", "stopping", "drained"]


def test_a_failure_begins_the_stop_whose_end_a_watchdog_of_the_process_sees_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched: list[float] = []
    monkeypatch.setattr(StopWatchdog, "watch", lambda _, seconds: watched.append(seconds))
    for owns_process in (False, True):
        clock = Clock()
        drains: Any = Drains(clock)
        engine = engine_of(pipeline(drain=drains), clock=clock, settings=load_settings(drain_timeout=30.0))
        engine.owns_process = owns_process
        engine.session.joined(clock.now)
        engine.break_off(DeviceError(Code.DEVICE_FAILED, "gone"))
        begin = clock.now
        clock.now += 3
        asyncio.run(engine.drain(stopping=True))
        assert drains.deadlines == [(Deadline(begin + 30), Deadline(begin + 15))]
    assert watched == [30.0 + STOP_GRACE]


def test_a_stop_that_hangs_names_the_reason_of_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    codes: list[int] = []
    StopWatchdog(
        Telemetry().emit, lambda: DeviceError(Code.DEVICE_FAILED, "the device is gone"), codes.append
    ).end_process()
    assert codes == [1]
    assert "the stop hangs (the device is gone [device_failed])" in caplog.text


def test_the_reason_of_a_stop_is_the_failure_as_it_was_explained(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    engine = engine_of()
    engine.break_off(DeviceError(Code.DEVICE_FAILED, "the device is gone"))
    engine.watchdog.end_process()
    assert codes == [1]
    assert "the stop hangs (the device is gone [device_failed])" in caplog.text

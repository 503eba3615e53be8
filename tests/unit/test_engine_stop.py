"""A stop ends, is told once, and names its reason."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from worker.deadline import Deadline
from worker.engine import Engine
from worker.errors import Code, DeviceError
from worker.observability.telemetry import Telemetry
from worker.settings import load_settings


def test_who_waits_to_say_ready_gives_up_once_the_engine_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        engine = Engine(load_settings(), lambda _: None, Telemetry(), positions_known=lambda: False)  # type: ignore[arg-type, return-value]
        await engine.stop()
        # From now on a sleep is over at once, and may swallow the cancellation that should end the loop around it.
        monkeypatch.setattr(engine, "sleep", AsyncMock(side_effect=AssertionError("waits on")))
        await engine._say_when_ready()

    asyncio.run(scenario())


def test_a_stop_that_is_asked_for_twice_has_one_deadline_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = Engine(load_settings(), lambda _: None, Telemetry(), positions_known=lambda: True)  # type: ignore[arg-type, return-value]
    deadlines = []

    async def drain(deadline: Deadline, *, work_off: bool) -> bool:
        deadlines.append(deadline)
        return False

    engine._pipeline = cast(
        Any, SimpleNamespace(drained=False, drain=drain, failure=DeviceError(Code.DEVICE_FAILED, "it is gone"))
    )
    engine.session.joined(engine.session.now())
    for _ in range(2):
        asyncio.run(engine.drain(stopping=True))
    assert deadlines[0] is deadlines[1]
    assert [record.message.split(":")[0] for record in caplog.records] == ["stopping", "drained"]


def test_a_stop_that_hangs_names_the_reason_of_the_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(load_settings(), lambda _: None, Telemetry(), positions_known=lambda: True)  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(engine, "add_future", lambda coroutine: coroutine.close())
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    engine._fail(DeviceError(Code.DEVICE_FAILED, "the device is gone"))
    engine._end_process()
    assert codes == [1]
    assert "the stop hangs (the device is gone [device_failed])" in caplog.text

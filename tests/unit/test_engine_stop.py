"""A stop that comes before the worker was ready ends like any other."""

import asyncio
from unittest.mock import AsyncMock

import pytest

from worker.engine import Engine
from worker.settings import load_settings


def test_who_waits_to_say_ready_gives_up_once_the_engine_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        engine = Engine(load_settings(), lambda _: None, located=lambda: False)  # type: ignore[arg-type, return-value]
        await engine.stop()
        # From now on a sleep is over at once, and may swallow the cancellation that should end the loop around it.
        monkeypatch.setattr(engine, "sleep", AsyncMock(side_effect=AssertionError("waits on")))
        await engine._say_when_ready()

    asyncio.run(scenario())

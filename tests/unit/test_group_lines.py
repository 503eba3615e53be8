"""Log lines about the group, and those that are left out."""

import asyncio
import logging

import pytest

from worker.engine import Engine
from worker.observability.telemetry import Telemetry
from worker.settings import load_settings

PARTITIONS = [("texts", 0)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine(load_settings(), lambda _: None, Telemetry(), positions_known=lambda: True)  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(engine, "add_future", lambda coroutine: coroutine.close())
    engine.session.joined(engine.session.now())
    engine.on_assigned(PARTITIONS)
    return engine


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_membership_that_is_lost_is_a_warning_and_so_is_its_end(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine.session.lost()
    engine._look_at_the_session()
    engine.session.joined(engine.session.now())
    for _ in range(2):
        engine.on_assigned(PARTITIONS)
    lost, again = warnings(caplog)
    assert "to others" in lost
    assert again == "assigned: texts[0]"


def test_a_worker_that_leaves_by_itself_warns_of_nothing(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    engine.session.left()
    engine._look_at_the_session()
    assert not engine.assigned
    assert warnings(caplog) == []


def test_a_stop_warns_of_nothing_whatever_the_group_says(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(engine.drain(stopping=True))
    engine.session.lost()
    engine._look_at_the_session()
    assert warnings(caplog) == []

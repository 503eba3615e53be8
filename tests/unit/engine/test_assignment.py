"""Log lines about the group, and those that are left out."""

import asyncio
import logging

import pytest
from unit.engine.engines import engine_of, pipeline

from worker.engine.engine import Engine

PARTITIONS = [("texts", 0)]


@pytest.fixture
def engine() -> Engine:
    engine = engine_of(pipeline(drained=True))
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
    engine.look_at_the_session()
    engine.session.joined(engine.session.now())
    for _ in range(2):
        engine.on_assigned(PARTITIONS)
    lost, again = warnings(caplog)
    assert "to others" in lost
    assert again == "assigned: texts[0]"


def test_a_worker_that_leaves_by_itself_warns_of_nothing(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    engine.session.left()
    engine.look_at_the_session()
    assert engine.not_ready == ["no partitions assigned yet"]
    assert warnings(caplog) == []


def test_a_stop_warns_of_nothing_whatever_the_group_says(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(engine.drain(stopping=True))
    engine.session.lost()
    engine.look_at_the_session()
    assert warnings(caplog) == []


def test_with_the_membership_all_that_is_pending_is_forgotten_once() -> None:
    revoked: list[list[object]] = []
    engine = engine_of(pipeline(revoke=lambda partitions: revoked.append([*partitions])))
    engine.session.joined(engine.session.now())
    engine.on_assigned(PARTITIONS)
    engine.look_at_the_session()
    assert revoked == []
    engine.session.lost()
    for _ in range(2):
        engine.look_at_the_session()
    assert revoked == [engine.ledger.partitions()]

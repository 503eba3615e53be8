"""/readyz names what a worker still waits for, /livez tells whether it is broken or stuck."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from worker.engine import Engine
from worker.errors import Code, DeviceError
from worker.observability.telemetry import Telemetry
from worker.settings import load_settings


def engine_of(*, pipeline: Any, assigned: bool = True, positions_known: bool = True, heard: bool = True) -> Engine:
    engine = Engine(load_settings(), lambda _: None, Telemetry(), positions_known=lambda: positions_known)  # type: ignore[arg-type, return-value]
    engine._pipeline = pipeline
    engine.assigned = assigned
    # Collected long before it runs, so that what is heard is heard in the future.
    engine.session.joined(engine.session.now() + (10_000 if heard else -10_000))
    engine._loaded_at = engine.session.now() - 10_000
    return engine


def pipeline(*, draining: bool = False, failure: BaseException | None = None) -> Any:
    return SimpleNamespace(draining=draining, failure=failure)


@pytest.mark.parametrize(
    ("engine", "reasons"),
    [
        pytest.param(engine_of(pipeline=None), ["model loading"], id="loading"),
        pytest.param(engine_of(pipeline=pipeline(), assigned=False), ["no partitions assigned yet"], id="unassigned"),
        pytest.param(
            engine_of(pipeline=pipeline(), positions_known=False), ["positions not known yet"], id="not positioned"
        ),
        pytest.param(
            engine_of(pipeline=pipeline(), heard=False), ["the group's coordinator does not answer"], id="unheard"
        ),
        pytest.param(engine_of(pipeline=pipeline(draining=True)), ["draining"], id="draining"),
        pytest.param(
            engine_of(pipeline=pipeline(failure=ValueError(), draining=True)), ["broken", "draining"], id="broken"
        ),
        pytest.param(engine_of(pipeline=pipeline()), [], id="ready"),
    ],
)
def test_readiness_names_what_the_worker_waits_for(engine: Engine, reasons: list[str]) -> None:
    assert engine.not_ready == reasons
    assert engine.ready == (not reasons)


@pytest.mark.parametrize(
    ("found", "alive"),
    [
        pytest.param(None, True, id="loading"),
        pytest.param(SimpleNamespace(failure=None, stalled_for=lambda: 299.0), True, id="waiting"),
        pytest.param(SimpleNamespace(failure=None, stalled_for=lambda: 300.0), False, id="stuck"),
        pytest.param(
            SimpleNamespace(failure=DeviceError(Code.DEVICE_FAILED, "gone"), stalled_for=lambda: 0.0),
            False,
            id="broken device",
        ),
    ],
)
def test_a_worker_that_is_broken_or_stuck_is_not_alive(found: Any, alive: bool) -> None:
    assert engine_of(pipeline=found).alive == alive


IDLE = SimpleNamespace(failure=None, stalled_for=lambda: 0.0, revoke=lambda _: None)


@pytest.mark.parametrize(("failing_for", "alive"), [(299.0, True), (300.0, False)])
def test_one_partition_that_cannot_be_written_to_is_enough_although_others_get_on(
    failing_for: float, alive: bool
) -> None:
    engine = engine_of(pipeline=IDLE)
    publisher: Any = SimpleNamespace(failing_for=lambda now: failing_for)
    engine._publisher = publisher
    assert engine.alive == alive


def test_a_worker_that_the_group_does_not_take_in_again_is_not_alive() -> None:
    """Its pending events are revoked: nothing is left that could make progress."""
    engine = engine_of(pipeline=IDLE)
    engine.settings = load_settings(stall_timeout=300.0)
    now = engine.session.now()

    def alive() -> bool:
        return engine.alive

    engine.session.now = lambda: now
    engine.session.lost()
    now += 298.0
    assert alive()
    now += 2.0
    assert not alive()
    engine.session.joined(now)
    assert alive()


def test_the_time_to_join_counts_from_the_end_of_the_load() -> None:
    engine = engine_of(pipeline=IDLE, heard=False)
    assert not engine.alive
    engine._loaded_at = engine.session.now()
    assert engine.alive


@pytest.mark.parametrize(
    ("host", "pages"),
    [("127.0.0.1", "http://127.0.0.1:6066/readyz"), ("::1", "http://[::1]:6066/readyz")],
    ids=["IPv4", "IPv6"],
)
def test_the_log_names_the_health_pages_by_an_address_that_can_be_opened(
    host: str, pages: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = engine_of(pipeline=pipeline())
    engine.settings = load_settings(web_host=host)
    asyncio.run(engine._say_when_ready())
    assert caplog.messages[-1].endswith(f"health pages: {pages}")

"""/readyz names what a worker still waits for, /livez tells whether it is broken or stuck."""

import asyncio
import logging
from dataclasses import replace

import pytest
from unit.engine.engines import Clock, engine_of, pipeline

from worker.engine.health import Progress, State, gets_on, reasons_not_ready
from worker.errors import Code, DeviceError
from worker.settings import load_settings

READY = State(is_loaded=True, is_assigned=True, is_session_fresh=True, positions_known=True)


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        pytest.param(State(is_loaded=False), ["model loading"], id="loading"),
        pytest.param(replace(READY, is_assigned=False), ["no partitions assigned yet"], id="unassigned"),
        pytest.param(replace(READY, positions_known=False), ["positions not known yet"], id="not positioned"),
        pytest.param(
            replace(READY, positions_known=False, waits_for=["texts[0] has no leader"]),
            ["texts[0] has no leader"],
            id="waiting for a broker",
        ),
        pytest.param(replace(READY, is_session_fresh=False), ["the group's coordinator does not answer"], id="unheard"),
        pytest.param(replace(READY, is_draining=True), ["draining"], id="draining"),
        pytest.param(replace(READY, is_broken=True, is_draining=True), ["broken", "draining"], id="broken"),
        pytest.param(READY, [], id="ready"),
    ],
)
def test_readiness_names_what_the_worker_waits_for(state: State, reasons: list[str]) -> None:
    assert reasons_not_ready(state) == reasons


def test_an_engine_becomes_ready_step_by_step() -> None:
    found = []
    known: list[bool] = []
    served, clock = pipeline(), Clock()
    engine = engine_of(served, clock=clock, positions_known=lambda: bool(known))
    found.append(engine.not_ready)
    engine.on_assigned([("texts", 0)])
    found.append(engine.not_ready)
    engine.session.joined(clock.now)
    found.append(engine.not_ready)
    known.append(True)
    found.append(engine.not_ready)
    assert engine.ready
    served.draining = True
    found.append(engine.not_ready)
    served.failure = ValueError()
    found.append(engine.not_ready)
    assert found == [
        ["no partitions assigned yet"],
        ["the group's coordinator does not answer"],
        ["positions not known yet"],
        [],
        ["draining"],
        ["broken", "draining"],
    ]
    assert engine_of().not_ready == ["model loading"]


def test_where_partitions_are_read_from_is_not_asked_before_there_are_some() -> None:
    """Faust makes its consumer when it is asked for."""

    def asked() -> bool:
        raise AssertionError("asked too early")

    assert engine_of(pipeline(), positions_known=asked).not_ready == ["no partitions assigned yet"]


@pytest.mark.parametrize(
    ("progress", "alive"),
    [
        pytest.param(Progress(stalled_for=299.0, unconfirmed_for=0.0, loaded_for=900.0), True, id="waiting"),
        pytest.param(Progress(stalled_for=300.0, unconfirmed_for=0.0, loaded_for=900.0), False, id="stuck"),
        pytest.param(Progress(stalled_for=0.0, unconfirmed_for=299.0, loaded_for=900.0), True, id="unheard"),
        pytest.param(Progress(stalled_for=0.0, unconfirmed_for=300.0, loaded_for=900.0), False, id="left alone"),
        pytest.param(Progress(stalled_for=0.0, unconfirmed_for=900.0, loaded_for=299.0), True, id="just loaded"),
    ],
)
def test_a_worker_in_which_nothing_gets_on_is_not_alive(progress: Progress, alive: bool) -> None:
    assert gets_on(progress, stall_timeout=300.0) is alive


def test_a_worker_that_is_broken_or_stuck_is_not_alive() -> None:
    assert engine_of().alive
    for stuck in (pipeline(stalled_for=lambda: 300.0), pipeline(failure=DeviceError(Code.DEVICE_FAILED, "gone"))):
        engine = engine_of(stuck)
        engine.session.joined(engine.session.now())
        assert not engine.alive


def test_a_worker_that_the_group_does_not_take_in_again_is_not_alive() -> None:
    """Its pending events are revoked: nothing is left that could make progress."""
    clock = Clock()
    engine = engine_of(pipeline(), settings=load_settings(stall_timeout=300.0), clock=clock)
    engine.session.joined(clock.now)
    engine.session.lost()
    clock.now += 298.0
    assert engine.alive
    clock.now += 2.0
    stuck = not engine.alive
    engine.session.joined(clock.now)
    assert (stuck, engine.alive) == (True, True)


def test_the_time_to_join_counts_from_the_end_of_the_load() -> None:
    clock = Clock()
    loading = engine_of(pipeline(), clock=clock, since=0.0)
    clock.now += 10_000
    assert not loading.alive
    loaded = engine_of(pipeline(), clock=clock, since=clock.now)
    clock.now += 299
    assert loaded.alive
    clock.now += 1
    assert not loaded.alive


@pytest.mark.parametrize(
    ("host", "pages"),
    [("127.0.0.1", "http://127.0.0.1:6066/readyz"), ("::1", "http://[::1]:6066/readyz")],
    ids=["IPv4", "IPv6"],
)
def test_the_log_names_the_health_pages_by_an_address_that_can_be_opened(
    host: str, pages: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = engine_of(pipeline(), settings=load_settings(web_host=host))
    engine.session.joined(engine.session.now())
    engine.on_assigned([])
    asyncio.run(engine.say_when_ready())
    assert caplog.messages[-1].endswith(f"health pages: {pages}")

"""/readyz names what a worker still waits for, and nothing once it is ready."""

from types import SimpleNamespace
from typing import Any

import pytest

from worker.engine import Engine
from worker.settings import load_settings


def engine_of(*, pipeline: Any, assigned: bool = True, located: bool = True) -> Engine:
    engine = Engine(load_settings(), lambda _: None, located=lambda: located)  # type: ignore[arg-type, return-value]
    engine._pipeline = pipeline
    engine.assigned = assigned
    return engine


def pipeline(*, draining: bool = False, failure: BaseException | None = None) -> Any:
    return SimpleNamespace(draining=draining, failure=failure)


@pytest.mark.parametrize(
    ("engine", "reasons"),
    [
        pytest.param(engine_of(pipeline=None), ["model loading"], id="loading"),
        pytest.param(engine_of(pipeline=pipeline(), assigned=False), ["no partitions assigned yet"], id="unassigned"),
        pytest.param(engine_of(pipeline=pipeline(), located=False), ["positions not known yet"], id="not positioned"),
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

"""An engine with a stand-in for what is loaded, by clocks that a test sets."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from worker.engine.engine import Engine
from worker.engine.serving import Serving
from worker.observability.telemetry import Telemetry
from worker.settings import Settings, load_settings


class Clock:
    """Stands still until a test moves it."""

    now = 10_000.0

    def __call__(self) -> float:
        return self.now


def pipeline(**members: Any) -> Any:
    """A pipeline that has nothing to do, with these members of a test's own."""
    idle = {
        "draining": False,
        "drained": False,
        "failure": None,
        "stalled_for": lambda: 0.0,
        "unwritable_for": lambda: 0.0,
        "revoke": lambda _: None,
    }
    return SimpleNamespace(**idle | members)


def engine_of(
    serving: Any = None,
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
    since: float = 0.0,
    positions_known: Callable[[], bool] = lambda: True,
    registry: CollectorRegistry | None = None,
) -> Engine:
    """An engine that serves by this pipeline since then; without one, it is still loading."""
    clock = clock or Clock()
    load: Any = None
    engine = Engine(
        settings or load_settings(),
        load,
        Telemetry(registry, clock=clock),
        clock=clock,
        session_clock=clock,
        wall_clock=clock,
        positions_known=positions_known,
    )
    anything: Any = engine
    anything.add_future = lambda coroutine: coroutine.close()  # there is no event loop
    if serving is not None:
        client: Any = None
        engine.serve(Serving(serving, client, since))
    return engine

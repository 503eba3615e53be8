"""Pages for probes and for the curious, on the worker's web port (loopback unless ``web_host`` says otherwise)."""

from dataclasses import asdict
from typing import Any

from worker.engine import Engine


def add_pages(app: Any, engine: Engine) -> None:
    """``/livez``: not broken, and getting on where there is work; ``/readyz``: model warm, partitions assigned and
    their places known, not draining; ``/statistics``: counts, as JSON.
    """

    @app.page("/livez")  # type: ignore[untyped-decorator]
    async def livez(view: Any, request: Any) -> Any:
        return view.json({"alive": engine.alive}, status=200 if engine.alive else 503)

    @app.page("/readyz")  # type: ignore[untyped-decorator]
    async def readyz(view: Any, request: Any) -> Any:
        reasons = engine.not_ready
        return view.json({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    @app.page("/statistics")  # type: ignore[untyped-decorator]
    async def statistics(view: Any, request: Any) -> Any:
        snapshot = engine.statistics()
        return view.json(asdict(snapshot) if snapshot else {}, status=200 if snapshot else 503)

"""Pages for probes and for the curious, on the worker's web port (loopback unless ``web_host`` says otherwise)."""

from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from worker.observability.statistics import Statistics


class Status(Protocol):
    """The worker, as its pages see it."""

    @property
    def alive(self) -> bool: ...
    @property
    def not_ready(self) -> list[str]: ...
    def statistics(self) -> Statistics | None: ...


def add_pages(app: Any, worker: Status, registry: CollectorRegistry) -> None:
    """``/livez``: not broken, and getting on where there is work; ``/readyz``: model warm, partitions assigned and
    their places known, not draining; ``/metrics``: the metrics of ``registry``, for Prometheus; ``/statistics``: some
    of them, as JSON.
    """

    @app.page("/livez")  # type: ignore[untyped-decorator]
    async def livez(view: Any, request: Any) -> Any:
        return view.json({"alive": worker.alive}, status=200 if worker.alive else 503)

    @app.page("/readyz")  # type: ignore[untyped-decorator]
    async def readyz(view: Any, request: Any) -> Any:
        reasons = worker.not_ready
        return view.json({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    @app.page("/metrics")  # type: ignore[untyped-decorator]
    async def metrics(view: Any, request: Any) -> Any:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    @app.page("/statistics")  # type: ignore[untyped-decorator]
    async def statistics(view: Any, request: Any) -> Any:
        snapshot = worker.statistics()
        return view.json(asdict(snapshot) if snapshot else {}, status=200 if snapshot else 503)

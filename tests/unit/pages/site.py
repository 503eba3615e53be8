"""A running server of pages, and clients of it that speak bytes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from integration.process import free_port

from worker.observability.telemetry import Telemetry
from worker.pages.health import add_pages
from worker.pages.server import PageServer


class StubEngine:
    alive = True
    not_ready = ["model loading"]  # noqa: RUF012

    def statistics(self) -> None:
        return None


class Site:
    """A running server, and clients of it that speak bytes."""

    def __init__(self, server: PageServer, port: int) -> None:
        self.server = server
        self.port = port
        self.go_on = asyncio.Event()

    async def connect(self, sent: bytes = b"", **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **options)
        writer.write(sent)
        return reader, writer

    async def ask(self, sent: bytes) -> bytes:
        """All that comes until the server closes the connection."""
        reader, writer = await self.connect(sent)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)


def serve(body: Callable[[Site], Awaitable[None]], **limits: Any) -> None:
    async def run() -> None:
        port = free_port()
        app = faust.App("pages", broker="kafka://127.0.0.1:1", web_bind="127.0.0.1", web_port=port)
        app.web = PageServer(app, **limits)
        add_pages(app, StubEngine(), Telemetry().registry)
        site = Site(app.web, port)

        @app.page("/waits")
        async def waits(view: Any, request: Any) -> Any:
            await site.go_on.wait()
            return view.json({"went": "on"})

        @app.page("/reads")
        async def reads(view: Any, request: Any) -> Any:
            return view.json({"read": len(await request.read())})

        @app.page("/large")
        async def large(view: Any, request: Any) -> Any:
            return view.text("x" * 50_000_000)

        @app.page("/broken")
        async def broken(view: Any, request: Any) -> Any:
            raise LookupError("broken on purpose")

        app.web.init_server()  # as Faust does: here it would add its own pages
        await app.web.start_server()
        try:
            await body(site)
        finally:
            await app.web.stop_server()

    asyncio.run(run())


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])

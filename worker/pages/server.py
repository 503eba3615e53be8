"""The HTTP server of the health pages: Faust's, without the pages that Faust adds, and with limits for its clients.

Of Faust's ``Web`` it replaces the lists of blueprints and ``_runner``, and of aiohttp's ``Request`` ``_prepare_hook``,
which are not public: the unit tests of this server fail when an upgrade changes any.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web
from faust.web.drivers.aiohttp import Web

from worker.pages.connections import CLIENT_SECONDS, MAX_CONNECTIONS, Connection, Connections
from worker.pages.listening import cannot_listen

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Bytes of the request line, of one header field, and header fields.
MAX_LINE, MAX_FIELD, MAX_HEADERS = 2048, 4096, 64
#: Seconds between two tracebacks of pages that fail.
LOG_SECONDS = 10.0
#: Seconds that a stop waits for answers under way.
STOP_SECONDS = 1.0

# aiohttp logs a traceback for each request that is no HTTP. Pages that fail are logged here.
_silent = logging.getLogger(f"{__name__}.http")
_silent.setLevel(logging.CRITICAL + 1)


class PageServer(Web):
    """Serves the pages that are registered with ``app.page``, ours and a user's, and nothing else.

    A connection carries one request. Who is slow to send it is cut off.
    """

    mundane_level = "debug"  # that it starts and stops
    default_blueprints = production_blueprints = debug_blueprints = optional_blueprints = ()

    def __init__(
        self, app: Any, *, limit: int = MAX_CONNECTIONS, client_seconds: float = CLIENT_SECONDS, **kwargs: Any
    ) -> None:
        super().__init__(app, **kwargs)
        self._limited = self._runner = LimitedRunner(
            self.web_app,
            limit=limit,
            client_seconds=client_seconds,
            access_log=None,
            logger=_silent,
            keepalive_timeout=0,  # the connection's own timer
            lingering_time=0,  # the rest of a body that no page reads
            max_line_size=MAX_LINE,
            max_field_size=MAX_FIELD,
            max_headers=MAX_HEADERS,
            shutdown_timeout=STOP_SECONDS,
        )
        self._failure_logged_at = -LOG_SECONDS
        self.web_app.middlewares.append(self._answer)
        self.web_app.on_response_prepare.append(_one_request)

    @property
    def connections(self) -> list[Connection]:
        """The connections that are open, oldest first."""
        return self._limited.connections

    async def start_server(self) -> None:
        """Listen for clients.

        Raises:
            WorkerError: the port is taken.
            SettingError: there cannot be a server at this host and port.
        """
        try:
            await super().start_server()
        except (OSError, UnicodeError) as error:
            raise cannot_listen(error, self.app.conf.web_bind, self.app.conf.web_port) from error

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer in one line of text whatever goes wrong; log a page's own failures, not each of them."""
        self._limited.arrived(request)
        try:
            return await handler(request)
        except web.HTTPException:
            raise  # a client's mistake, with its status
        except Exception as error:
            if request.transport is None or request.content.exception() is not None:
                raise web.HTTPBadRequest from None  # the client went away, or its body is not what its head says
            now = time.monotonic()
            if now >= self._failure_logged_at + LOG_SECONDS:
                self._failure_logged_at = now
                logger.exception("a page failed (logged at most every %g s)", LOG_SECONDS, exc_info=error)
            return web.Response(status=500, text="500: this page failed, the log says why")


class NamelessRequest(web.Request):
    """A request whose answer does not name the library and its version, also where the request was no HTTP."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        await super()._prepare_hook(response)
        response.headers.pop("Server", None)


class LimitedRunner(web.AppRunner):
    """An aiohttp runner whose sites accept connections with limits."""

    __slots__ = ("_client_seconds", "_connections", "_limit")

    def __init__(self, app: web.Application, *, limit: int, client_seconds: float, **kwargs: Any) -> None:
        super().__init__(app, **kwargs)
        self._limit = limit
        self._client_seconds = client_seconds
        self._connections: Connections | None = None

    async def setup(self) -> None:
        await super().setup()
        if protocol := super().server:
            make_request: Any = protocol.request_factory
            protocol.request_factory = partial(make_request, _cls=NamelessRequest)
            self._connections = Connections(protocol, limit=self._limit, client_seconds=self._client_seconds)

    @property
    def server(self) -> Any:
        """The factory of protocols that a site gives to the event loop."""
        return self._connections

    @property
    def connections(self) -> list[Connection]:
        """The connections that are open, oldest first."""
        return self._connections.open if self._connections is not None else []

    def arrived(self, request: web.Request) -> None:
        """Note that the head of a request has arrived."""
        if self._connections is not None:
            self._connections.arrived(request)


async def _one_request(_: web.Request, response: web.StreamResponse) -> None:
    response.force_close()

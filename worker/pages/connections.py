"""Bound what clients of the health pages can hold open: how many connections, for how long, and half of what."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

MAX_CONNECTIONS = 64
#: A client has this long to send its request, and as long to take each piece of the answer.
CLIENT_SECONDS = 5.0


class Connections:
    """The open connections, oldest first.

    One above the limit takes the place of the oldest that has not sent its request yet, so that a probe gets through
    while others hold connections open. With all of them being answered, the new one is closed.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        *,
        limit: int = MAX_CONNECTIONS,
        client_seconds: float = CLIENT_SECONDS,
    ) -> None:
        """``protocol`` makes the HTTP side of a connection."""
        self._protocol = protocol
        self._limit = limit
        self.client_seconds = client_seconds
        self._open: dict[asyncio.BaseTransport, Connection] = {}

    @property
    def open(self) -> list["Connection"]:
        """The connections that are open, oldest first."""
        return list(self._open.values())

    def __call__(self) -> "Connection":
        """Make the protocol of a new connection, as ``loop.create_server`` asks for it."""
        return Connection(self, self._protocol())

    def arrived(self, request: web.BaseRequest) -> None:
        """Note that the head of a request has arrived."""
        if request.transport is not None and (connection := self._open.get(request.transport)):
            connection.request = request

    def opened(self, connection: "Connection", transport: asyncio.Transport) -> None:
        self._open[transport] = connection
        if len(self._open) > self._limit:
            late = next((other for other, its in self._open.items() if its.request is None), transport)
            self.drop(late)

    def drop(self, transport: asyncio.BaseTransport) -> None:
        """Close a connection at once; what was not sent is lost."""
        self._open.pop(transport, None)
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def lost(self, transport: asyncio.BaseTransport) -> None:
        self._open.pop(transport, None)


class Connection(asyncio.Protocol):
    """A connection that is closed when its client keeps it waiting; HTTP itself is aiohttp's."""

    def __init__(self, connections: Connections, http: asyncio.Protocol) -> None:
        self._connections = connections
        self._http = http
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.request: web.BaseRequest | None = None
        """The request, once its head is here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # told of every byte that the client does not take
        self._wait_for_client(self._unless_requested)
        self._http.connection_made(transport)
        self._connections.opened(self, transport)

    def data_received(self, data: bytes) -> None:
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        return self._http.eof_received()

    def pause_writing(self) -> None:
        self._wait_for_client(self._drop)
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._stop_timer()
        self._http.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        if self._transport is not None:
            self._connections.lost(self._transport)
        self._http.connection_lost(error)

    def _wait_for_client(self, overdue: Callable[[], Any]) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(self._connections.client_seconds, overdue)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unless_requested(self) -> None:
        """Close the connection unless its request is here whole: then the answer may take its time."""
        if self.request is None or not self.request.content.is_eof():
            self._drop()

    def _drop(self) -> None:
        if self._transport is not None:
            self._connections.drop(self._transport)

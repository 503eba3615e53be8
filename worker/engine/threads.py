"""Calls between threads that do not keep a process from ending."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread that, unlike a pool's, does not keep the process from ending; return its result."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # a stop that cancels the wait does not cancel the thread

    def run() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # a thread has nobody else to tell
            future.set_exception(error)

    threading.Thread(target=run, name="load", daemon=True).start()
    return await asyncio.wrap_future(future)


def call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Have the loop call back soon, from any thread."""
    with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
        loop.call_soon_threadsafe(callback)

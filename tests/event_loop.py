"""Run a test in an event loop of its own, within a time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Faust's and aiokafka's objects want a running event loop from the start."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 20))

    return run

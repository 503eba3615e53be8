"""Event loops whose time is a test's own: nothing that a test waits for takes as long as it says."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _SkippingSelector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing is left to wait for"
        self.now += timeout
        return super().select(0)


class SkippedTime(asyncio.SelectorEventLoop):
    """Its time passes at once where nothing but time is waited for. Threads are not waited for: there must be none."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class ManualTime(asyncio.SelectorEventLoop):
    """Its time passes when a test says so, whatever threads do meanwhile."""

    def __init__(self) -> None:
        self._now = 1_000.0
        super().__init__()

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass; timers that are due then run in the next turn."""
        self._now += seconds


def run_with(loop: asyncio.AbstractEventLoop, body: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine in this loop, which is closed afterwards."""

    async def main() -> T:
        return await body()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())

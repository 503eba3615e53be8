"""Waiting for something to become true, with a deadline instead of a fixed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05


def eventually(probe: Callable[[], T], what: str, seconds: float = 60.0) -> T:
    """The first truthy answer of ``probe``.

    Raises:
        AssertionError: there was none within ``seconds``; it says what was waited for and the last answer.
    """
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what} (at the end: {answer!r})"
        time.sleep(POLL_SECONDS)
    return answer

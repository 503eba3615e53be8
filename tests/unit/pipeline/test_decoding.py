"""A small fetch is decoded in the loop, step by step, a large one in the thread beside it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from worker.codec import Decoded
from worker.pipeline.decoding import DECODED_IN_THE_LOOP, decode

STEPS = 3


class StubCodec:
    """Notes which threads it was called in."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def decode_in_steps(self, records: Any) -> Iterator[Decoded]:
        for _ in range(STEPS):
            self.threads.append(threading.get_ident())
            yield Decoded(skipped=[*range(len(records))])

    def decode(self, records: Any) -> Decoded:
        return [*self.decode_in_steps(records)][-1]


@pytest.mark.parametrize("large", [False, True])
def test_a_large_fetch_is_decoded_outside_of_the_loops_thread(large: bool) -> None:
    codec: Any = StubCodec()
    turns = 0

    async def scenario() -> Decoded:
        loop = asyncio.get_running_loop()

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        loop.call_soon(turn)
        with ThreadPoolExecutor(1) as thread:
            return await decode(codec, [None] * 4, DECODED_IN_THE_LOOP + large, thread)  # type: ignore[list-item]

    assert asyncio.run(scenario()).skipped == [0, 1, 2, 3]
    assert ({*codec.threads} == {threading.get_ident()}) != large
    assert turns >= STEPS or large

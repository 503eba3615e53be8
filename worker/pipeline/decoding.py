"""Decoding a fetch without blocking the event loop for long, whatever the bytes are."""

import asyncio
import gc
from collections.abc import Sequence
from concurrent.futures import Executor

from worker.codec import Codec, Decoded
from worker.fetch import Record

DECODED_IN_THE_LOOP = 512 * 1024
"""Size of a fetch in bytes up to which the event loop decodes it itself, in steps. Usual events stay below."""


async def decode(codec: Codec, records: Sequence[Record], size: int, thread: Executor) -> Decoded:
    """Decode records of ``size`` bytes: in steps in the event loop, or in ``thread`` if they are large."""
    if size > DECODED_IN_THE_LOOP:
        return await asyncio.get_running_loop().run_in_executor(thread, _decode_large, codec, records)
    for step in codec.decode_in_steps(records):
        decoded = step
        await asyncio.sleep(0)
    return decoded


def _decode_large(codec: Codec, records: Sequence[Record]) -> Decoded:
    """Decode in a thread, without garbage collection: it would lengthen calls during which other threads wait."""
    gc.disable()
    try:
        return codec.decode(records)
    finally:
        gc.enable()

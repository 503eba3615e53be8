"""Decoding a fetch without keeping the event loop from other work for long, whatever the bytes are."""

import asyncio
import gc
from collections.abc import Sequence
from concurrent.futures import Executor

from worker.codec import Codec, Decoded
from worker.fetch import Record

DECODED_IN_THE_LOOP = 512 * 1024
"""Bytes of a fetch up to which the loop itself decodes it, in steps. One of common events has fewer."""


async def decode(codec: Codec, records: Sequence[Record], size: int, thread: Executor) -> Decoded:
    """Decode records of ``size`` bytes: in steps in the loop, or in ``thread`` where they are many."""
    if size > DECODED_IN_THE_LOOP:
        return await asyncio.get_running_loop().run_in_executor(thread, _decode_large, codec, records)
    for step in codec.decode_in_steps(records):
        decoded = step
        await asyncio.sleep(0)
    return decoded


def _decode_large(codec: Codec, records: Sequence[Record]) -> Decoded:
    """Decode in a thread. Collections would lengthen the parser's calls, which keep all other threads waiting."""
    gc.disable()
    try:
        return codec.decode(records)
    finally:
        gc.enable()

"""Decompressing batches piece by piece, so that a small batch with much text cannot fill the memory.

aiokafka decompresses a batch at once. A batch of 150 kB can hold a gigabyte of valid events.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

import cramjam
import zstandard

PIECE_BYTES = 4 * 2**20
"""The largest size of a piece in bytes: that of the largest LZ4 block."""
MAX_WINDOW_BYTES = 128 * 2**20
"""The largest window that a Zstandard frame may request, as in the format's own command line tool."""

_SNAPPY_MOST = 22
"""The largest expansion of one byte of Snappy: a larger length is wrong, and must not be allocated."""
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_LZ4_MAGIC = 0x184D2204
_LZ4_BLOCK_BYTES = MappingProxyType({4: 2**16, 5: 2**18, 6: 2**20, 7: 2**22})


class UnreadableBatchError(Exception):
    """A batch cannot be decompressed; the message says why, without quoting it."""


def decompress(codec: int, data: memoryview) -> Iterator[bytes]:
    """Yield the decompressed bytes in pieces of at most ``PIECE_BYTES``.

    A block of Snappy is one piece, whatever its size; it is at most 22 times as large as the compressed block.

    Raises:
        UnreadableBatchError: the codec is unknown, or the frame does not follow its format.
        Exception: from the codec's library, if the data is not in its format.
    """
    if codec not in _CODECS:
        raise UnreadableBatchError(f"its compression codec {codec} is unknown")
    return _CODECS[codec](data)


def _gzip(data: memoryview) -> Iterator[bytes]:
    rest: bytes | memoryview = data
    while rest:  # one member after another
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            piece = member.decompress(rest, PIECE_BYTES)
            if not piece and not member.eof and not member.unconsumed_tail:
                raise UnreadableBatchError("its compressed data ends too early")
            rest = member.unconsumed_tail
            if piece:
                yield piece
        rest = member.unused_data


def _zstd(data: memoryview) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    size = min(PIECE_BYTES, 16 * len(data) + 4096)  # most batches are far smaller than a piece
    with decompressor.stream_reader(data, read_across_frames=True) as reader:
        while piece := reader.read(size):
            yield piece


def _snappy(data: memoryview) -> Iterator[bytes]:
    if data[: len(_XERIAL)] != _XERIAL:
        yield _snappy_block(data)
        return
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        size = struct.unpack_from(">i", data, at)[0]
        at += 4
        if not 0 < size <= len(data) - at:
            raise UnreadableBatchError("a Snappy block of it has a wrong length")
        yield _snappy_block(data[at : at + size])
        at += size


def _snappy_block(block: memoryview) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > _SNAPPY_MOST * len(block):
        raise UnreadableBatchError("a Snappy block of it has a wrong length")
    return bytes(cramjam.snappy.decompress_raw(block))


def _lz4(data: memoryview) -> Iterator[bytes]:
    """Yield the content of an LZ4 frame as Kafka's clients write it, with independent blocks."""
    magic, flags, sizes = struct.unpack_from("<IBB", data)
    block_bytes = _LZ4_BLOCK_BYTES.get(sizes >> 4 & 7)
    if magic != _LZ4_MAGIC or block_bytes is None or not flags & 0x20:
        raise UnreadableBatchError("its LZ4 frame is not one of Kafka's")
    blocks = _lz4_blocks(data, at=15 if flags & 0x08 else 7, checksum_bytes=4 if flags & 0x10 else 0)
    first = [block for _, block in zip(range(PIECE_BYTES // block_bytes + 1), blocks, strict=False)]
    if len(first) * block_bytes <= PIECE_BYTES:
        yield bytes(cramjam.lz4.decompress(data))
        return
    for is_stored, block in chain(first, blocks):
        yield bytes(block if is_stored else cramjam.lz4.decompress_block(block, output_len=block_bytes))


def _lz4_blocks(data: memoryview, at: int, checksum_bytes: int) -> Iterator[tuple[bool, memoryview]]:
    """Yield each block of a frame, and whether it is stored uncompressed."""
    while size := struct.unpack_from("<I", data, at)[0]:
        is_stored, size = bool(size >> 31), size & 0x7FFFFFFF
        at += 4
        if size > len(data) - at:
            raise UnreadableBatchError("its compressed data ends too early")
        yield is_stored, data[at : at + size]
        at += size + checksum_bytes


_CODECS: Mapping[int, Callable[[memoryview], Iterator[bytes]]] = MappingProxyType(
    {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
)
"""Decompressors by the codec number in a batch's attributes."""

"""Kafka's record batches as bytes: their boundaries and their headers.

Offset, length and format version (``magic``) are at the same position in every format.
"""

import struct
from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

_FRAME = struct.Struct(">qi")  # base offset, and the bytes behind these two
_MAGIC_AT = 16
_SMALLEST = 26
"""Size of a message without key and value in the oldest format, in bytes."""

_HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_SIZE = _HEADER.size
"""Bytes before the records in the current format (magic 2)."""
_LENGTH_AT, _ATTRIBUTES_AT, _COUNT_AT = 8, 21, 57

_EXPANSION = MappingProxyType({0: 0, 1: 1_032, 3: 255})
"""Codec -> the largest expansion of one byte, for none, gzip and LZ4. Zstandard can expand one byte to 32 kB, and
Snappy's blocks can claim any length."""

_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20


class RawBatch(NamedTuple):
    """A batch as the broker sent it."""

    data: memoryview
    base_offset: int
    magic: int
    response: bytes
    end: int
    """Position in the response at which it ends."""

    def __repr__(self) -> str:
        return "RawBatch()"  # texts are private

    @property
    def next_base_offset(self) -> int | None:
        """Return the offset of the next batch, if the response contains it."""
        if self.end + _FRAME.size > len(self.response):
            return None
        return int(_FRAME.unpack_from(self.response, self.end)[0])


def is_plain(batch: memoryview, most: int) -> bool:
    """Return whether a batch of magic 2 is not transactional and expands to no more than ``most`` bytes."""
    attributes = batch[_ATTRIBUTES_AT + 1]
    if attributes & (_TRANSACTIONAL | _CONTROL):
        return False
    expansion = _EXPANSION.get(attributes & _CODEC)
    return expansion is not None and expansion * len(batch) <= most


class Header(NamedTuple):
    """The header of a batch of magic 2."""

    base_offset: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    record_count: int

    @classmethod
    def read(cls, data: memoryview) -> "Header":
        """Read the header of a batch of at least ``HEADER_SIZE`` bytes."""
        base, _, _, _, _, attributes, last, first_time, max_time, producer, _, _, count = _HEADER.unpack_from(data)
        return cls(base, attributes, last, first_time, max_time, producer, count)

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    def ending_at(self, last_offset: int) -> "Header":
        """Return the same header with another last offset."""
        return self._replace(last_offset_delta=last_offset - self.base_offset)

    @property
    def codec(self) -> int:
        return self.attributes & _CODEC

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & _CONTROL)

    @property
    def timestamp_type(self) -> int:
        """1 if the broker set the records' timestamps when it wrote them."""
        return int(bool(self.attributes & _LOG_APPEND_TIME))

    def timestamp(self, delta: int) -> int:
        return self.max_timestamp if self.timestamp_type else self.first_timestamp + delta


def split(data: bytes) -> Iterator[RawBatch]:
    """Yield the batches of a fetch response, without the last one if it is truncated.

    Bytes that do not start with a complete batch become one of magic -1: the broker always sends the first one
    completely.
    """
    view, size, start = memoryview(data), len(data), 0
    while start + _FRAME.size <= size:
        base_offset, length = _FRAME.unpack_from(data, start)
        end = start + _FRAME.size + length
        if length < _SMALLEST - _FRAME.size or end > size:
            break
        yield RawBatch(view[start:end], base_offset, data[start + _MAGIC_AT], data, end)
        start = end
    if start == 0 and data:
        yield RawBatch(view, -1, -1, data, size)


def believable_last_offset(header: Header, batch: RawBatch) -> int:
    """Return the last offset of a batch whose header may be damaged: one that is too high would skip later records."""
    base = header.base_offset
    claimed = header.last_offset if header.record_count == header.last_offset_delta + 1 > 0 else None
    following = batch.next_base_offset
    if following is not None and following > base:
        return following - 1 if claimed is None else min(claimed, following - 1)
    return base if claimed is None else claimed


def uncompressed(batch: memoryview, count: int, payload: bytes | memoryview) -> bytes:
    """Return an uncompressed copy of this batch of magic 2, with these ``count`` records.

    Its checksum is that of the original batch, which was verified before.
    """
    header = bytearray(batch[:HEADER_SIZE])
    struct.pack_into(">i", header, _LENGTH_AT, HEADER_SIZE - _FRAME.size + len(payload))
    attributes = struct.unpack_from(">h", header, _ATTRIBUTES_AT)[0]
    struct.pack_into(">h", header, _ATTRIBUTES_AT, attributes & ~_CODEC)
    struct.pack_into(">i", header, _COUNT_AT, count)
    return b"".join((header, payload))

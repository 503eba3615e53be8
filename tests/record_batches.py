"""Record batches for tests, as a producer writes them and as none should."""

import gzip
import struct
from collections.abc import Callable, Iterable, Sequence

import cramjam
import zstandard
from aiokafka.codec import lz4_encode, snappy_encode
from aiokafka.record.util import calc_crc32c

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "none": (NONE, bytes),
    "gzip": (GZIP, gzip.compress),
    "snappy in blocks": (SNAPPY, snappy_encode),
    "snappy in one block": (SNAPPY, lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "lz4": (LZ4, lz4_encode),
    "zstd": (ZSTD, lambda data: zstandard.ZstdCompressor().compress(data)),
}
"""Name -> the codec's number and its compression."""

Header = tuple[bytes, bytes | None]


def varint(number: int) -> bytes:
    number = (number << 1) ^ (number >> 63)
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def nullable(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def record(delta: int, value: bytes | None, key: bytes | None = b"k", headers: Sequence[Header] = ()) -> bytes:
    """A record, ``delta`` offsets behind the first of its batch."""
    fields = b"\0" + varint(delta) + varint(delta) + nullable(key) + nullable(value) + varint(len(headers))
    fields += b"".join(nullable(name) + nullable(content) for name, content in headers)
    return varint(len(fields)) + fields


def batch(
    records: Iterable[bytes],
    base: int = 0,
    codec: str = "none",
    *,
    last_delta: int | None = None,
    count: int | None = None,
    attributes: int = 0,
    producer: int = -1,
    payload: bytes | None = None,
    number: int | None = None,
    magic: int = 2,
    timestamp_ms: int = 1_000,
) -> bytes:
    """A batch with a right checksum; by keyword, with something else in it than would be right."""
    records = [*records]
    codec_number, compress = CODECS[codec]
    body = compress(b"".join(records)) if payload is None else payload
    checked = struct.pack(
        ">hiqqqhii",
        attributes | (codec_number if number is None else number),
        len(records) - 1 if last_delta is None else last_delta,
        timestamp_ms,
        timestamp_ms + 1_000,
        producer,
        0,
        -1,
        len(records) if count is None else count,
    )
    return sealed(struct.pack(">qiib", base, 9 + len(checked) + len(body), 0, magic), checked + body)


def sealed(start: bytes, checked: bytes) -> bytes:
    """A batch of what its checksum does not cover, and what it does."""
    return start + struct.pack(">I", calc_crc32c(checked)) + checked


def resealed(data: bytes) -> bytes:
    """The same batch with a checksum that is right."""
    return sealed(data[:17], data[21:])

"""Batches in Kafka's old formats (magic 0 and 1), which brokers before 4.0 may still hold."""

import struct
from collections.abc import Iterable
from typing import Any, cast

from aiokafka.record.legacy_records import LegacyRecordBatch

from worker.intake.batch import RawBatch
from worker.intake.decompression import UnreadableBatchError, decompress

MAX_BYTES = 64 * 2**20
"""Limit on the size of a decompressed batch: aiokafka decompresses these at once."""

_ATTRIBUTES_AT, _CODEC = 17, 0x07
_KEY_AT = {0: 18, 1: 26}


def read_legacy(batch: RawBatch, *, check_crc: bool) -> Iterable[Any]:
    """Return the records of a batch.

    Raises:
        UnreadableBatchError: its checksum is wrong, or it holds more than ``MAX_BYTES``.
        Exception: what aiokafka or a codec's library raises, here or while the records are iterated over.
    """
    records = LegacyRecordBatch(batch.data, batch.magic)
    if check_crc and not records.validate_crc():
        raise UnreadableBatchError("its checksum is wrong")
    if codec := batch.data[_ATTRIBUTES_AT] & _CODEC:
        size = 0
        for piece in decompress(codec, _value(batch)):
            size += len(piece)
            if size > MAX_BYTES:
                raise UnreadableBatchError(f"it holds more than {MAX_BYTES:,} bytes")
    return cast(Iterable[Any], records)


def _value(batch: RawBatch) -> memoryview:
    at = _KEY_AT[batch.magic]
    at += 4 + max(0, struct.unpack_from(">i", batch.data, at)[0])
    size = struct.unpack_from(">i", batch.data, at)[0]
    return batch.data[at + 4 : at + 4 + max(0, size)]

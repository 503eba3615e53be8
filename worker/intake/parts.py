"""Splitting a decompressed batch into parts of whole records, of which only one is in memory at a time."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from worker.intake.decompression import PIECE_BYTES, UnreadableBatchError

MAX_RECORD_BYTES = 16 * 2**20
"""The largest record that is read from a compressed batch, in bytes. None of our topics could hold one of that size."""
_KEPT_BYTES = 64 * 2**10
"""How much of a larger record is read, for its offset and its key."""
_MAX_LENGTH = 2**31


class Part(NamedTuple):
    """Whole records, one after another."""

    record_count: int
    payload: bytes | memoryview

    def __repr__(self) -> str:
        return "Part()"  # texts are private


class Oversized(NamedTuple):
    """The start of a record that is too large to be held in memory; the rest of it was skipped."""

    size: int
    """Size of the record in bytes."""
    start: bytes
    """Without the preceding length."""

    def __repr__(self) -> str:
        return "Oversized()"  # texts are private


def parts(pieces: Iterator[bytes], count: int) -> Iterator[Part | Oversized]:
    """Yield the records of a batch in parts of about ``PIECE_BYTES``, or in one part if it is not larger.

    Args:
        pieces: the decompressed batch.
        count: the number of records by the batch's header.

    Raises:
        UnreadableBatchError: a record's length is invalid; the records before it have been yielded.
        Exception: any that ``pieces`` raises.
    """
    pieces = _gathered(pieces)
    rest = next(pieces, b"")
    piece = next(pieces, None)
    if piece is None:
        yield Part(count, rest)
        return
    while True:
        whole, end, needed = _whole_records(rest)
        if whole:
            yield Part(whole, rest[:end])
            rest = rest[end:]
        if needed > MAX_RECORD_BYTES:
            yield Oversized(needed, rest[_length_bytes(rest) :][:_KEPT_BYTES])
            rest = _passed_over(rest, needed + _length_bytes(rest), piece, pieces)
        elif piece is not None:
            rest += piece
        elif rest:
            raise UnreadableBatchError("its last record ends too early")
        else:
            return
        piece = next(pieces, None)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces: blocks may be as small as 32 kB."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        if gathered and size + len(piece) > PIECE_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(piece)
        size += len(piece)
    if gathered:
        yield b"".join(gathered)


def _whole_records(data: bytes) -> tuple[int, int, int]:
    """Return how many records at the start are whole, where they end, and the length of the next one, or 0."""
    count = end = 0
    size = len(data)
    while end < size:
        at, shift, number = end, 0, 0
        while True:  # a varint: seven bits per byte, lowest first
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if at == size:
                return count, end, 0
            if shift > 28:
                raise UnreadableBatchError("a record of it has no length that makes sense")
        if number & 1:  # negative, in zigzag encoding
            raise UnreadableBatchError("a record of it has no length that makes sense")
        if at + (number >> 1) > size:
            return count, end, number >> 1
        end = at + (number >> 1)
        count += 1
    return count, end, 0


def _length_bytes(data: bytes) -> int:
    """Return how many bytes the length at the start of ``data`` takes."""
    return next(index for index, byte in enumerate(data, 1) if byte < 0x80)


def _passed_over(rest: bytes, size: int, piece: bytes | None, pieces: Iterator[bytes]) -> bytes:
    """Return what follows the first ``size`` bytes of these."""
    size -= len(rest)
    while piece is not None:
        if size < len(piece):
            return piece[size:]
        size -= len(piece)
        piece = next(pieces, None)
    if size:
        raise UnreadableBatchError("its last record ends too early")
    return b""

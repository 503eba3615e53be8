"""Records read one by one, for a batch in which aiokafka's parser fails at the first unreadable one.

It is slower, and runs only then.
"""

from collections.abc import Iterator
from typing import NamedTuple

from worker.intake.batch import Header

_MAX_VARINT_BYTES = 10


class ParsedRecord(NamedTuple):
    """The readable parts of a record."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    trouble: str
    """Why it cannot be read, in words that quote nothing of it; empty where it can."""
    last_offset: int
    """Its own, or that of the last record which could not be told apart from it."""
    checksum: None = None

    def __repr__(self) -> str:
        return "ParsedRecord()"  # texts are private


class _WrongError(Exception):
    """A number in a record cannot be right."""


class _Fields:
    """The fields of a record, read one behind the other, within its bounds."""

    def __init__(self, data: bytes | memoryview, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def number(self) -> int:
        """Read a varint, zigzag."""
        number = shift = 0
        for at in range(self.at, min(self.end, self.at + _MAX_VARINT_BYTES)):
            byte = self.data[at]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at + 1
                return (number >> 1) ^ -(number & 1)
            shift += 7
        raise _WrongError

    def bytes(self, *, nullable: bool = True) -> bytes | None:
        """Read a length and as many bytes; a negative length stands for null."""
        size = self.number()
        if size < 0 and nullable:
            return None
        if not 0 <= size <= self.end - self.at:
            raise _WrongError
        self.at += size
        return bytes(self.data[self.at - size : self.at])


def parse(header: Header, payload: bytes | memoryview, first_offset: int) -> Iterator[ParsedRecord]:
    """Yield every record of an uncompressed payload, in offset order.

    After a record without a sensible length, records cannot be told apart: it and all behind it become one record, with
    their bytes as the value.

    Args:
        header: of the batch.
        payload: records, one behind the other, the batch's first ones or not.
        first_offset: that of the first record where it does not say so itself.
    """
    fields, offset = _Fields(payload), first_offset
    while fields.at < fields.end and offset <= header.last_offset:
        start = fields.at
        try:
            size = fields.number()
            if not 0 <= size <= fields.end - fields.at:
                raise _WrongError
        except _WrongError:
            last = header.last_offset
            trouble = f"its length makes no sense, so nothing can be told apart from here up to offset {last}"
            value = bytes(payload[start:])
            yield ParsedRecord(offset, header.max_timestamp, header.timestamp_type, None, value, (), trouble, last)
            return
        end = fields.at + size
        record = parse_one(header, payload[fields.at : end], offset)
        yield record
        offset = record.offset + 1
        fields.at = end


def parse_one(header: Header, data: bytes | memoryview, offset: int) -> ParsedRecord:
    """Return what can be read of a record, without the length before it.

    Args:
        header: of its batch.
        data: the record, or its start.
        offset: the lowest that it can have, which it gets where it does not name a sensible one itself.
    """
    fields = _Fields(data, at=1)  # behind the attributes, of which none is in use
    timestamp, key = header.max_timestamp, None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    value: bytes | None = bytes(data)  # better than nothing, where its own cannot be told
    try:
        timestamp = header.timestamp(fields.number())
        own_offset = header.base_offset + fields.number()
        if not offset <= own_offset <= header.last_offset:
            raise _WrongError
        offset = own_offset
        key = fields.bytes()
        value = fields.bytes()
        headers, trouble = _headers(fields)
        if fields.at != fields.end:
            trouble = "its length is not that of its fields"
    except _WrongError:
        trouble = "its fields do not fit into its length"
    return ParsedRecord(offset, timestamp, header.timestamp_type, key, value, headers, trouble, offset)


def _headers(fields: _Fields) -> tuple[tuple[tuple[str, bytes | None], ...], str]:
    """Read the headers; returns those whose name is UTF-8, and the trouble with the others."""
    count = fields.number()
    if not 0 <= count <= fields.end - fields.at:
        raise _WrongError
    found = []
    for _ in range(count):
        name, value = fields.bytes(nullable=False), fields.bytes()
        try:
            found.append(((name or b"").decode(), value))
        except UnicodeDecodeError:
            continue
    wrong = count - len(found)
    trouble = f"{wrong} of its {count} header names {'is' if wrong == 1 else 'are'} not UTF-8" if wrong else ""
    return tuple(found), trouble

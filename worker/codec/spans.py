"""Finding the members of a JSON container in its bytes.

Parsing loses how a number was written and which of two equal keys came first; so values that must keep their bytes are
cut out, not serialised again. Every function here is given JSON that a parser has accepted, and none recurses, however
deep the nesting is.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from worker.codec.structure import separators
from worker.pointer import Pointer, array_index

_MEMBER = re.compile(rb'[ \t\r\n]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
WHITESPACE: Final = b" \t\r\n"


class Part(NamedTuple):
    """A member of an object; indexes count bytes from the start of the whole value."""

    key: str
    start: int
    """After the comma or brace before it: white space belongs to the part."""
    value_start: int
    value_end: int
    end: int
    """The comma or brace after it."""

    def __repr__(self) -> str:
        return "Part()"  # texts are private


def parts(body: bytes, start: int) -> Iterator[Part]:
    """Yield the members of the object whose opening brace is ``body[start]``, in the order of the bytes."""
    begin = start + 1
    for end in separators(body, start):
        member = _MEMBER.match(body, begin, end)
        if member is None:  # the inside of {}
            return
        value_start = member.end()
        yield Part(orjson.loads(member[1]), begin, value_start, _without_space_behind(body, value_start, end), end)
        begin = end + 1


def named(body: bytes, start: int, key: str) -> Iterator[Part]:
    """Yield those of ``parts`` that have this key, however it is escaped; the others are dismissed quickly."""
    may_be, begin = _may_be(key), start + 1
    for end in separators(body, start):
        if may_be.match(body, begin, end) and (member := _MEMBER.match(body, begin, end)):
            value_start = member.end()
            if orjson.loads(member[1]) == key:
                yield Part(key, begin, value_start, _without_space_behind(body, value_start, end), end)
        begin = end + 1


@lru_cache(16)
def _may_be(key: str) -> re.Pattern[bytes]:
    """Return a pattern that matches a member with this key, and every member whose key contains escapes."""
    return re.compile(rb'[ \t\r\n]*+"(?:%b"|[^"\\]*+\\)' % re.escape(key.encode(errors="surrogatepass")))


def find(body: bytes, start: int, pointer: Pointer) -> tuple[int, int] | None:
    """Return start and end of the value that a pointer finds below ``body[start]``; of equal keys the last counts."""
    span = None
    for token in pointer.tokens:
        opening = body[start : start + 1]
        if opening == b"{":
            span = None
            for part in named(body, start, token):
                span = part.value_start, part.value_end
        elif opening == b"[":
            span = _element(body, start, array_index(token))
        else:
            return None
        if span is None:
            return None
        start = span[0]
    return span


def _element(body: bytes, start: int, index: int | None) -> tuple[int, int] | None:
    """Return start and end of an element of the array whose opening bracket is ``body[start]``."""
    ends = separators(body, start)
    if index is None or index >= len(ends):
        return None
    begin, end = (ends[index - 1] if index else start) + 1, ends[index]
    value_end = _without_space_behind(body, begin, end)
    if value_end == begin:  # the inside of []
        return None
    return value_end - len(body[begin:value_end].lstrip(WHITESPACE)), value_end


def _without_space_behind(body: bytes, start: int, end: int) -> int:
    """Return the end of the bytes between ``start`` and ``end`` without trailing white space."""
    if body[end - 1] not in WHITESPACE:
        return end
    return start + len(body[start:end].rstrip(WHITESPACE))

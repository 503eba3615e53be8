"""Where the members of a JSON container lie in its bytes.

Parsing loses how a number was written and which of two equal keys came first; what must keep its bytes is therefore
cut, not written anew. Every function here is given JSON that a parser has already accepted, which is why one regular
expression is scanner enough, and why no depth can make it recurse.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from worker.pointer import Pointer, array_index

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_MEMBER = re.compile(rb'[ \t\r\n]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
WHITESPACE: Final = b" \t\r\n"
_OPENING, _CLOSING = frozenset(b"[{"), frozenset(b"]}")
_COMMA, _QUOTE = ord(","), ord('"')


@dataclass(frozen=True, slots=True)
class Part:
    """An element of an array or a member of an object; indexes count bytes from the start of the whole value."""

    key: str
    """Empty for an element."""
    start: int
    """Behind the comma or brace before it: white space belongs to the part."""
    value_start: int
    value_end: int
    end: int
    """The comma or brace behind it."""


def parts(body: bytes, start: int) -> Iterator[Part]:
    """The parts of the container whose opening bracket is ``body[start]``, in the order of the bytes."""
    is_object = body[start] == ord("{")
    depth, begin = 0, start + 1
    for token in _TOKEN.finditer(body, start):
        position = token.start()
        byte = body[position]
        if byte == _QUOTE:
            continue
        if byte in _OPENING:
            depth += 1
        elif byte in _CLOSING:
            depth -= 1
        if (byte == _COMMA and depth == 1) or depth == 0:
            part = _part(body, begin, position, is_object)
            if part is not None:
                yield part
            begin = position + 1
        if depth == 0:
            return


def find(body: bytes, start: int, pointer: Pointer) -> tuple[int, int] | None:
    """Start and end of the value that a pointer finds below ``body[start]``; of equal keys the last counts."""
    span = None
    for token in pointer.tokens:
        if body[start : start + 1] == b"{":
            found = [part for part in parts(body, start) if part.key == token]
        elif body[start : start + 1] == b"[":
            index = array_index(token)
            found = [part for position, part in enumerate(parts(body, start)) if position == index]
        else:
            return None
        if not found:
            return None
        span = found[-1].value_start, found[-1].value_end
        start = span[0]
    return span


def _part(body: bytes, begin: int, end: int, is_object: bool) -> Part | None:
    key, value_start = "", begin
    if is_object:
        member = _MEMBER.match(body, begin, end)
        if member is None:  # the inside of {}
            return None
        key, value_start = orjson.loads(member[1]), member.end()
    value = body[value_start:end].strip(WHITESPACE)
    if not value:  # the inside of []
        return None
    value_start = body.index(value, value_start, end)
    return Part(key, begin, value_start, value_start + len(value), end)

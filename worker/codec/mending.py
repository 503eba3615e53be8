"""Bodies that orjson refuses although they may be JSON, changed so that it tells whether all else about them is.

Nothing here changes a body's length or what is JSON about it, so a position in one is the same position in the other.
"""

import re

import numpy as np

from worker.codec.structure import inside_strings

_DIGITS = np.zeros(256, np.bool_)
_DIGITS[[*b"0123456789"]] = True
_EXPONENT_DIGITS = 3  # 1e99 is a double whatever its digits are; 1e308 and more may be none
_INTEGER_DIGITS = 300  # as for exponents
_NUMBER = re.compile(rb"[1-9][0-9]*+(?:\.[0-9]++)?")  # up to its exponent, which is small by then
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def with_finite_numbers(body: bytes) -> bytes:
    """``body`` with other numbers in the place of those that may be beyond a double; each stays of its type."""
    characters = np.frombuffer(body, np.uint8).copy()
    digits = _DIGITS[characters] & ~inside_strings(body)
    edges = np.flatnonzero(np.diff(digits, prepend=False, append=False))
    starts, stops = edges[::2], edges[1::2]
    lengths = stops - starts
    before, signed = characters[starts - 1], characters[starts - 2]
    e = (before | 0x20) == ord("e")
    e |= ((before == ord("+")) | (before == ord("-"))) & ((signed | 0x20) == ord("e"))
    many = e & (lengths >= _EXPONENT_DIGITS)
    change = np.zeros(len(characters) + 1, np.int8)
    change[starts[many]] = 1
    change[stops[many]] -= 1
    characters[np.cumsum(change[:-1], dtype=np.int8) > 0] = ord("0")
    for start in starts[(lengths >= _INTEGER_DIGITS) & ~e & (before != ord("."))].tolist():
        if number := _NUMBER.match(body, start):
            characters[start : number.end()] = ord("0")
            characters[start + 1] = ord(".")
    return characters.tobytes()


def without_surrogates(body: bytes) -> bytes:
    """``body`` without escapes that stand for a surrogate, be it half of a pair or not."""
    # Escapes are taken from left to right, as a parser does.
    return _SURROGATE.sub(b"??????", body.replace(b"\\\\", b"??"))

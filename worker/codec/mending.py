"""Bodies that orjson refuses although they may be JSON, changed so that it tells whether all else about them is.

Nothing here changes a body's length or what is JSON about it, so a position in one is the same position in the other.
"""

import math
import re

import numpy as np

from worker.codec.structure import inside_strings

# Numbers that may be beyond a double, which ends below 1.8e308: those of 300 digits before the point or more, and those
# whose exponent has two digits or more, and no minus. An exponent of one digit makes fewer digits 308 at most.
_LARGE = re.compile(
    rb"(?<![0-9.])(?:[1-9][0-9]{299,}+(?:\.[0-9]++)?(?:[eE][+-]?+[0-9]++)?"
    rb"|(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?[eE]\+?+[0-9]{2,}+)"
)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def with_finite_numbers(body: bytes) -> bytes:
    """``body`` with 9e307, of as many characters, in the place of each number that is beyond a double."""
    outside = np.frombuffer(body, np.uint8).copy()
    outside[inside_strings(body)] = ord(" ")
    mended = bytearray(body)
    for number in _LARGE.finditer(outside.tobytes()):
        if math.isinf(float(number[0])):
            mended[number.start() : number.end()] = b"9e" + b"307".rjust(len(number[0]) - 2, b"0")
    return bytes(mended)


def without_surrogates(body: bytes) -> bytes:
    """``body`` without escapes that stand for a surrogate, be it half of a pair or not."""
    # Escapes are taken from left to right, as a parser does.
    return _SURROGATE.sub(b"??????", body.replace(b"\\\\", b"??"))

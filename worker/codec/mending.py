"""Changing bodies that orjson refuses although they may be JSON, so that it can parse the rest of them.

Nothing here changes the length or the structure of a body, so positions stay the same.
"""

import math
import re

import numpy as np

from worker.codec.structure import inside_strings

# Numbers that may be beyond a double, which ends below 1.8e308: those with 300 digits or more before the point, and
# those with a non-negative exponent of two digits or more. Fewer digits with an exponent of one digit stay below.
_LARGE = re.compile(
    rb"(?<![0-9.])(?:[1-9][0-9]{299,}+(?:\.[0-9]++)?(?:[eE][+-]?+[0-9]++)?"
    rb"|(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?[eE]\+?+[0-9]{2,}+)"
)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def with_finite_numbers(body: bytes) -> bytes:
    """Replace each number beyond the range of a double with 9e307, padded to the same length."""
    outside = np.frombuffer(body, np.uint8).copy()
    outside[inside_strings(body)] = ord(" ")
    mended = bytearray(body)
    for number in _LARGE.finditer(outside.tobytes()):
        if math.isinf(float(number[0])):
            mended[number.start() : number.end()] = b"9e" + b"307".rjust(len(number[0]) - 2, b"0")
    return bytes(mended)


def without_surrogates(body: bytes) -> bytes:
    """Replace the escapes of surrogates, paired or not, with characters of the same length."""
    # Escapes are taken from left to right, as a parser does.
    return _SURROGATE.sub(b"??????", body.replace(b"\\\\", b"??"))

"""Parsing bytes as a JSON object, or naming the reason why they are not one.

orjson parses; it is strict (RFC 8259: no ``NaN``, no trailing garbage, no second value, no byte order mark). Only bytes
that it refuses are examined again, to find the reason.
"""

from typing import Any

import orjson

from worker.codec import rejections
from worker.codec.mending import with_finite_numbers, without_surrogates
from worker.codec.spans import WHITESPACE
from worker.errors import Reason, Rejection

Document = dict[str, Any]

# Phrases in orjson's messages.
_DEPTH_LIMIT = "depth limit exceeded"
_BEYOND_A_DOUBLE = "number is infinity"
_SURROGATE = "surrogate in string"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse(body: bytes) -> Document | Rejection:
    """Return the object that ``body`` holds."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _diagnose(body, error)
    return document if type(document) is dict else rejections.NOT_AN_OBJECT


def _diagnose(body: bytes, error: orjson.JSONDecodeError) -> Document | Rejection:
    """Find out why orjson refused ``body``; for a number beyond a double, return the document after all."""
    if not body:
        return rejections.EMPTY
    if body[0] < 0x20 and body[0] not in WHITESPACE:
        return rejections.rejection(Reason.UNKNOWN_FRAME, "the value starts with a control byte, which JSON never does")
    if body.startswith(_BYTE_ORDER_MARK):
        return rejections.BYTE_ORDER_MARK
    try:
        body.decode()
    except UnicodeDecodeError:
        return rejections.NOT_UTF8
    finite = lone_surrogate = False
    while True:
        if _DEPTH_LIMIT in error.msg:
            return rejections.NESTED_TOO_DEEPLY
        if _BEYOND_A_DOUBLE in error.msg and not finite:
            finite, body = True, with_finite_numbers(body)
        elif _SURROGATE in error.msg and not lone_surrogate:
            lone_surrogate, body = True, without_surrogates(body)
        else:
            message = f"the value is not JSON (RFC 8259): character {error.pos}"
            return rejections.rejection(Reason.NOT_JSON, message, "JSONDecodeError")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as further:
            error = further
            continue
        if lone_surrogate:
            return rejections.LONE_SURROGATE
        return document if type(document) is dict else rejections.NOT_AN_OBJECT

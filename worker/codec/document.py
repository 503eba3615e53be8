"""Bytes to a parsed JSON object, or the reason why not.

orjson parses; it is strict (RFC 8259: no ``NaN``, no trailing garbage, no second value, no byte order mark). Only what
it refuses is looked at again, to name the reason.
"""

import json
from typing import Any

import orjson

from worker.codec import rejections
from worker.codec.spans import WHITESPACE
from worker.errors import Reason, Rejection

Document = dict[str, Any]

_DEPTH_LIMIT = "depth limit exceeded"  # orjson's words
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse(body: bytes) -> Document | Rejection:
    """The object that ``body`` holds."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _diagnose(body, error)
    return document if type(document) is dict else rejections.NOT_AN_OBJECT


def _diagnose(body: bytes, error: orjson.JSONDecodeError) -> Document | Rejection:
    """Why orjson refused ``body``; in the rare case of a number beyond a double, the document after all."""
    if not body:
        return rejections.EMPTY
    if body[0] < 0x20 and body[0] not in WHITESPACE:
        return rejections.rejection(Reason.UNKNOWN_FRAME, "the value starts with a control byte, as no JSON does")
    if body.startswith(_BYTE_ORDER_MARK):
        return rejections.BYTE_ORDER_MARK
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return rejections.NOT_UTF8
    if _DEPTH_LIMIT in error.msg:
        return rejections.NESTED_TOO_DEEPLY
    try:
        document = _STANDARD.decode(text)
        json.dumps(_EVERY_MEMBER.decode(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return rejections.LONE_SURROGATE
    except RecursionError:
        return rejections.NESTED_TOO_DEEPLY
    except ValueError as invalid:
        where = f": character {invalid.pos}" if isinstance(invalid, json.JSONDecodeError) else ""
        return rejections.rejection(Reason.NOT_JSON, f"the value is not JSON (RFC 8259){where}", "JSONDecodeError")
    return document if type(document) is dict else rejections.NOT_AN_OBJECT


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


# An integer of thousands of digits is a number like others here: int() would refuse it, float() makes it infinite.
_STANDARD = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float)
# Objects as pairs: a dict would hide the first value of a key that is there twice, and the answer repeats it.
_EVERY_MEMBER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float, object_pairs_hook=list)

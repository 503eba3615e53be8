"""CloudEvents 1.0 in Kafka: the protocol binding's binary and structured modes, with JSON data.

Binary: ``ce_`` headers hold the attributes, the value is the data. Structured: the header ``content-type`` is
``application/cloudevents+json`` and the value is the whole event as an object with a member ``data``.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

import orjson

from worker.codec import rejections
from worker.codec.document import parse
from worker.codec.opened import CloudEvent, Opened, open_json
from worker.codec.spans import parts
from worker.errors import Reason, Rejection
from worker.fetch import Record

SPECVERSION: Final = "1.0"
STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"
CONTENT_TYPE: Final = "content-type"
PREFIX: Final = "ce_"
_FAMILY = "application/cloudevents"
_REQUIRED = ("specversion", "id", "source", "type")
DEFINED: Final = frozenset({*_REQUIRED, "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"})
"""Names that the specification itself gives a meaning; all others are extension attributes."""
_REQUIRED_HEADERS = frozenset(PREFIX + name for name in _REQUIRED)
_JSON_TYPE = re.compile(r"(application|text)/([^;\s]+\+)?json", re.IGNORECASE)

# The member ``data`` with an object as its value. Followed by JSON that reaches to the event's own brace, it is the
# event's last member, as most producers write it; a quote after a comma or brace always opens a key.
_DATA_MEMBER = re.compile(rb'[{,][ \t\r\n]*+"data"[ \t\r\n]*+:[ \t\r\n]*+(?={)')

Names = Mapping[str, bytes | None]


def _invalid(message: str) -> Rejection:
    return rejections.rejection(Reason.INVALID_CLOUDEVENT, message)


_NO_CLOUDEVENT = _invalid("the record has neither ce_ headers nor the content-type application/cloudevents+json")
_OTHER_EVENT_FORMAT = _invalid("the event format is not application/cloudevents+json; batches are not read either")
_OTHER_CONTENT = _invalid("the content type of the data is not JSON")
_OTHER_VERSION = _invalid(f"specversion is not {SPECVERSION}")
_BOTH_DATA = _invalid("the event has more than one of data and data_base64")
_BAD_BASE64 = _invalid("data_base64 is not base64")
_BAD_ATTRIBUTE = {name: _invalid(f"the attribute {name} is missing, empty or not a string") for name in _REQUIRED}
_NO_DATA = rejections.rejection(Reason.NO_TEXT, "the CloudEvent has no data")
_DATA_NOT_AN_OBJECT = rejections.rejection(Reason.NOT_AN_OBJECT, "the CloudEvent's data is not an object")


class CloudEventsJson:
    """Both modes, told apart by the content type first, as the binding says."""

    def recognises(self, record: Record) -> bool:
        if not record.headers:
            return False
        headers = _by_name(record)
        return not _REQUIRED_HEADERS.isdisjoint(headers) or _content_type(headers).startswith(_FAMILY)

    def open(self, record: Record) -> Opened | Rejection:
        value = record.value or b""
        headers = _by_name(record)
        content_type = _content_type(headers)
        if content_type == STRUCTURED_CONTENT_TYPE:
            return _open_structured(value)
        if content_type.startswith(_FAMILY):
            return _OTHER_EVENT_FORMAT
        if _REQUIRED_HEADERS.isdisjoint(headers):
            return _NO_CLOUDEVENT
        attributes = {name: _string(headers.get(PREFIX + name)) for name in _REQUIRED}
        event = _check(attributes)
        if isinstance(event, Rejection):
            return event
        if content_type and not _is_json(content_type):
            return _OTHER_CONTENT
        return open_json(value, event)


def _open_structured(value: bytes) -> Opened | Rejection:
    attributes = parse(value)
    if isinstance(attributes, Rejection):
        return attributes
    event = _check(attributes, structured=True, extended=not attributes.keys() <= DEFINED)
    if isinstance(event, Rejection):
        return event
    content_type = attributes.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and _is_json(content_type)):
        return _OTHER_CONTENT
    if "data_base64" in attributes:
        return _BOTH_DATA if "data" in attributes else _open_base64(value, attributes["data_base64"], event)
    data = attributes.get("data")
    if data is None:
        return _NO_DATA
    if type(data) is not dict:
        return _DATA_NOT_AN_OBJECT
    start, end = _last_data(value) or _any_data(value)
    return Opened(data, value, start, end, event)


def _open_base64(value: bytes, encoded: object, event: CloudEvent) -> Opened | Rejection:
    """JSON that a producer wrote as bytes: the event goes on with it as ``data``, where a verdict has a place."""
    try:
        data = b64decode(encoded.encode(), validate=True) if isinstance(encoded, str) else None
    except binascii.Error:
        data = None
    if data is None:
        return _BAD_BASE64
    inner = open_json(data)
    if isinstance(inner, Rejection):
        return inner
    found = [part for part in parts(value, value.index(b"{")) if part.key == "data_base64"]
    if len(found) > 1:
        return _BOTH_DATA
    head = value[: found[0].start] + b'"data":'
    start = len(head) + inner.start
    return Opened(inner.document, head + data + value[found[0].end :], start, len(head) + inner.end, event)


def _last_data(value: bytes) -> tuple[int, int] | None:
    """Where ``data`` lies if it is the last member."""
    member = _DATA_MEMBER.search(value)
    if member is None:
        return None
    end = len(value[: value.rindex(b"}")].rstrip())
    try:
        orjson.loads(value[member.end() : end])
    except orjson.JSONDecodeError:
        return None
    return member.end(), end


def _any_data(value: bytes) -> tuple[int, int]:
    """Where ``data`` lies, wherever that is; of several the last, as the parser has it."""
    spans = [(part.value_start, part.value_end) for part in parts(value, value.index(b"{")) if part.key == "data"]
    return spans[-1]


def _check(
    attributes: Mapping[str, object], *, structured: bool = False, extended: bool = False
) -> CloudEvent | Rejection:
    for name in _REQUIRED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            return _BAD_ATTRIBUTE[name]
    if attributes["specversion"] != SPECVERSION:
        return _OTHER_VERSION
    return CloudEvent(str(attributes["id"]), structured, extended)


def _by_name(record: Record) -> Names:
    """Headers by lower-case name; of a doubled one the last counts, as Kafka's own ``lastHeader`` has it."""
    return {name.lower(): value for name, value in record.headers}


def _content_type(headers: Names) -> str:
    """Media type in lower case without its parameters; empty where there is none."""
    value = headers.get(CONTENT_TYPE)
    return "" if value is None else value.decode("latin-1").partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    return _JSON_TYPE.fullmatch(content_type.partition(";")[0].strip()) is not None


def _string(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None

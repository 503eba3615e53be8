"""CloudEvents 1.0 in Kafka: the protocol binding's binary and structured modes, with JSON data.

Binary: ``ce_`` headers hold the attributes, the value is the data. Structured: the header ``content-type`` is
``application/cloudevents+json`` and the value is the whole event as an object with a member ``data``.
"""

import binascii
import re
from base64 import b64decode
from functools import lru_cache
from typing import Final

import orjson

from worker.codec import rejections
from worker.codec.document import Document, parse
from worker.codec.headers import CONTENT_TYPE, PREFIX, REQUIRED, FormatHeaders
from worker.codec.parsed import CloudEvent, Parsed, parse_json
from worker.codec.spans import named
from worker.errors import Reason, Rejection

SPECVERSION: Final = "1.0"
STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"
_FAMILY = "application/cloudevents"
DEFINED: Final = frozenset({*REQUIRED, "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"})
"""Names that the specification defines; all others are extension attributes."""
_REQUIRED_HEADERS = frozenset(PREFIX + name for name in REQUIRED)
_CONTENT_TYPES = 32  # size of the caches: a topic has few
_JSON_TYPE = re.compile(r"(application|text)/([^;\s]+\+)?json", re.IGNORECASE)

# The member ``data`` with an object as its value. If valid JSON reaches from there to the event's own closing brace,
# ``data`` is the last member, as most producers write it; a quote after a comma or brace always opens a key.
_DATA_MEMBER = re.compile(rb'[{,][ \t\r\n]*+"data"[ \t\r\n]*+:[ \t\r\n]*+(?={)')


def _invalid(message: str) -> Rejection:
    return rejections.rejection(Reason.INVALID_CLOUDEVENT, message)


_NO_CLOUDEVENT = _invalid("the record has neither ce_ headers nor the content-type application/cloudevents+json")
_OTHER_EVENT_FORMAT = _invalid("the event format is not application/cloudevents+json; batches are not read either")
_OTHER_CONTENT = _invalid("the content type of the data is not JSON")
_OTHER_VERSION = _invalid(f"specversion is not {SPECVERSION}")
_BOTH_DATA = _invalid("the event has more than one of data and data_base64")
_BAD_BASE64 = _invalid("data_base64 is not base64")
_BAD_ATTRIBUTE = {name: _invalid(f"the attribute {name} is missing, empty or not a string") for name in REQUIRED}
_BAD_HEADER = {PREFIX + name: rejection for name, rejection in _BAD_ATTRIBUTE.items()}
_NO_DATA = rejections.rejection(Reason.NO_TEXT, "the CloudEvent has no data")
_DATA_NOT_AN_OBJECT = rejections.rejection(Reason.NOT_AN_OBJECT, "the CloudEvent's data is not an object")


class CloudEventsJson:
    """Both modes, distinguished by the content type first, as the protocol binding says."""

    def recognises(self, value: bytes, headers: FormatHeaders) -> bool:
        return not _REQUIRED_HEADERS.isdisjoint(headers) or _content_type(headers).startswith(_FAMILY)

    def parse(self, value: bytes, headers: FormatHeaders) -> Parsed | Rejection:
        content_type = _content_type(headers)
        if content_type.startswith(_FAMILY):
            return _open_structured(value) if content_type == STRUCTURED_CONTENT_TYPE else _OTHER_EVENT_FORMAT
        if _REQUIRED_HEADERS.isdisjoint(headers):
            return _NO_CLOUDEVENT
        id_ = _binary_id(headers)
        if isinstance(id_, Rejection):
            return id_
        if content_type and not _is_json(content_type):
            return _OTHER_CONTENT
        return parse_json(value, (id_, False, False))


def _open_structured(value: bytes) -> Parsed | Rejection:
    attributes = parse(value)
    if isinstance(attributes, Rejection):
        return attributes
    id_ = _structured_id(attributes)
    if isinstance(id_, Rejection):
        return id_
    content_type = attributes.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and _is_json(content_type)):
        return _OTHER_CONTENT
    event = id_, True, not DEFINED.issuperset(attributes)
    if "data_base64" in attributes:
        return _BOTH_DATA if "data" in attributes else _open_base64(value, attributes["data_base64"], event)
    data = attributes.get("data")
    if data is None:
        return _NO_DATA
    if type(data) is not dict:
        return _DATA_NOT_AN_OBJECT
    start, end = _last_data(value) or _any_data(value)
    return data, value, start, end, event


def _open_base64(value: bytes, encoded: object, event: CloudEvent) -> Parsed | Rejection:
    """Open JSON that a producer wrote as base64: in the answer it becomes ``data``, where a verdict can be inserted."""
    try:
        data = b64decode(encoded.encode(), validate=True) if isinstance(encoded, str) else None
    except binascii.Error:
        data = None
    if data is None:
        return _BAD_BASE64
    inner = parse_json(data)
    if isinstance(inner, Rejection):
        return inner
    found = [*named(value, value.index(b"{"), "data_base64")]
    if len(found) > 1:
        return _BOTH_DATA
    head = value[: found[0].start] + b'"data":'
    document, _, start, end, _ = inner
    return document, head + data + value[found[0].end :], len(head) + start, len(head) + end, event


def _last_data(value: bytes) -> tuple[int, int] | None:
    """Return the positions of the braces of ``data`` if it is the last member."""
    member = _DATA_MEMBER.search(value)
    if member is None:
        return None
    end = len(value[: value.rindex(b"}")].rstrip())
    try:
        orjson.loads(value[member.end() : end])
    except orjson.JSONDecodeError:
        return None
    return member.end(), end - 1


def _any_data(value: bytes) -> tuple[int, int]:
    """Return the positions of the braces of ``data``, wherever it is; of duplicates the last, as the parser does."""
    *_, last = named(value, value.index(b"{"), "data")
    return last.value_start, last.value_end - 1


def _binary_id(headers: FormatHeaders) -> str | Rejection:
    """Return the event's id if all required attributes are present."""
    attributes = []
    for header, bad_attribute in _BAD_HEADER.items():
        try:
            attribute = (headers.get(header) or b"").decode()
        except UnicodeDecodeError:
            return bad_attribute
        if not attribute:
            return bad_attribute
        attributes.append(attribute)
    specversion, id_, _, _ = attributes
    return id_ if specversion == SPECVERSION else _OTHER_VERSION


def _structured_id(attributes: Document) -> str | Rejection:
    """Return the event's id if all required attributes are present."""
    for name, bad_attribute in _BAD_ATTRIBUTE.items():
        attribute = attributes.get(name)
        if type(attribute) is not str or not attribute:
            return bad_attribute
    return str(attributes["id"]) if attributes["specversion"] == SPECVERSION else _OTHER_VERSION


def _content_type(headers: FormatHeaders) -> str:
    """Return the media type in lower case without its parameters; empty if there is none."""
    value = headers.get(CONTENT_TYPE)
    return "" if value is None else _media_type(value)


@lru_cache(_CONTENT_TYPES)
def _media_type(content_type: bytes) -> str:
    return content_type.decode("latin-1").partition(";")[0].strip().lower()


@lru_cache(_CONTENT_TYPES)
def _is_json(content_type: str) -> bool:
    return _JSON_TYPE.fullmatch(content_type.partition(";")[0].strip()) is not None

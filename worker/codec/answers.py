"""A verdict about a CloudEvent as a CloudEvent of its own, in the same mode."""

from typing import Final

import orjson

from worker.codec.cloudevents import DEFINED, SPECVERSION
from worker.codec.headers import CONTENT_TYPE, PREFIX
from worker.codec.spans import parts
from worker.fetch import Headers

TYPE: Final = "sentiment-worker.verdict.v1"
DATA_CONTENT_TYPE: Final = "application/json"
# Attributes that the specification defines describe the old event or its data; extensions, such as traces, are kept.
_DEFINED_HEADERS = frozenset({CONTENT_TYPE, *(PREFIX + name for name in DEFINED)})


def source(topic: str) -> str:
    """Return the ``source`` of verdicts on the events of a topic, a URI reference."""
    return f"/sentiment-worker/{topic}"


def extension_members(body: bytes) -> bytes:
    """Return the extension attributes of a structured event unchanged, each with a comma before it."""
    members = (body[part.start : part.end] for part in parts(body, body.index(b"{")) if part.key not in DEFINED)
    return b"".join(b"," + member for member in members)


def structured_answer(id_: str, topic: str, subject: str, extensions: bytes, data: bytes, time: str) -> bytes:
    """Return the value of the answer; its headers are those of the event that it answers."""
    attributes = orjson.dumps(_attributes(id_, topic, subject, time) | {"datacontenttype": DATA_CONTENT_TYPE})
    return b"".join((attributes[:-1], extensions, b',"data":', data, b"}"))


def binary_answer(id_: str, topic: str, subject: str, headers: Headers, time: str) -> Headers:
    """Return the headers of the answer: those of the event that are not its attributes, then ours."""
    passed_on = [(name, value) for name, value in headers if name.lower() not in _DEFINED_HEADERS]
    own = [(PREFIX + name, value.encode()) for name, value in _attributes(id_, topic, subject, time).items()]
    return [*passed_on, *own, (CONTENT_TYPE, DATA_CONTENT_TYPE.encode())]


def _attributes(id_: str, topic: str, subject: str, time: str) -> dict[str, str]:
    return {
        "specversion": SPECVERSION,
        "id": id_,
        "source": source(topic),
        "type": TYPE,
        "subject": subject,
        "time": time,
    }

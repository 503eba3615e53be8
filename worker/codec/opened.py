"""What every input format finds in a record."""

from dataclasses import dataclass, field

from worker.codec.document import Document, parse
from worker.errors import Rejection


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """What an answer to a CloudEvent needs to know about it."""

    id: str = field(repr=False)
    structured: bool
    """The whole event is the value; otherwise (binary) its attributes are headers and the value is its data."""
    extended: bool
    """The value holds attributes that the specification does not define."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An event found in a record."""

    document: Document = field(repr=False)
    """The parsed object in which the pointers find text and id."""
    body: bytes = field(repr=False)
    """What an enriched event repeats: the record's value, without a frame."""
    start: int
    """Where ``document`` lies in ``body``: the index of its opening brace ..."""
    end: int
    """... and the index behind its closing brace."""
    event: CloudEvent | None = None


def open_json(body: bytes, event: CloudEvent | None = None) -> Opened | Rejection:
    """An event whose document is all of ``body`` but white space around it."""
    document = parse(body)
    if isinstance(document, Rejection):
        return document
    return Opened(document, body, body.index(b"{"), body.rindex(b"}") + 1, event)

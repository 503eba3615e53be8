"""Parsed events, as every input format returns them: plain tuples, since one is created for each event."""

from typing import TypeAlias

from worker.codec.document import Document, parse
from worker.errors import Rejection

CloudEvent: TypeAlias = tuple[str, bool, bool]
"""The facts about a CloudEvent that its answer depends on:

- its id;
- whether it is structured, the whole event being the value; otherwise (binary) its attributes are headers and the value
  is its data;
- whether it is extended: the value holds attributes that the specification does not define.
"""

Parsed: TypeAlias = tuple[Document, bytes, int, int, CloudEvent | None]
"""An event found in a record:

- the document, the parsed object in which the pointers find text and id;
- the body, which is what an enriched event repeats: the record's value, without a frame;
- where the document is in the body: the index of its opening brace, and the index of its closing brace;
- the facts about the CloudEvent, if it is one.
"""


def parse_json(body: bytes, event: CloudEvent | None = None) -> Parsed | Rejection:
    """Return an event whose document is all of ``body`` except for white space around it."""
    document = parse(body)
    if isinstance(document, Rejection):
        return document
    return document, body, body.index(b"{"), body.rindex(b"}"), event

"""The output modes: the form of the answer to an event."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, TypeGuard

import orjson

from worker.codec.answers import binary_answer, extension_members, structured_answer
from worker.codec.document import Document
from worker.codec.parsed import CloudEvent, Parsed
from worker.codec.rendering import id_template, literal, quoted
from worker.codec.spans import find, named
from worker.fetch import Fetch, Headers
from worker.pointer import MISSING, Pointer
from worker.verdict import ModelCard

Output: TypeAlias = tuple[bytes, Headers]
"""Value and headers of an output record."""

SENTIMENT = "sentiment"
_ONLY_MEMBER = b'"sentiment":'
_NEXT_MEMBER = b"," + _ONLY_MEMBER


class Mode(Protocol):
    """An output mode: it keeps what the answer to an event needs, and later writes the answer."""

    def context_of(self, parsed: Parsed) -> Any:
        """Return what ``write`` needs from an event besides its record."""
        ...

    def fast_context(self, document: Document) -> Any:
        """Return what ``write`` needs from a plain record whose whole value is this object.

        This takes a lookup at most; None if only ``context_of`` can tell.
        """
        ...

    def write(
        self, fetch: Fetch, indexes: Sequence[int], kept: Sequence[Any], sentiments: Sequence[bytes], time: str
    ) -> list[Output]:
        """Return the answers to the events at ``indexes``; ``sentiments`` are their verdicts as JSON."""
        ...


Envelope: TypeAlias = tuple[bytes, bytes | None, int, bytes]
"""The parts of an enriched event around its verdict:

- the frame before it;
- the bytes that are repeated, or None for the record's value as it is;
- the index in them of the brace that closes the object;
- what precedes the verdict there: its key, and a comma if there are members before it.
"""


class Enrich:
    """The event with its verdict inserted: all other bytes are unchanged, except for a ``sentiment`` of its own."""

    def __init__(self, frame: bytes) -> None:
        self._frame = frame
        self._bare: Envelope = (frame, None, -1, _NEXT_MEMBER)

    def context_of(self, parsed: Parsed) -> Envelope:
        document, body, start, end, event = parsed
        # The content type of a CloudEvent describes its value, so it is never framed.
        frame = b"" if event else self._frame
        if SENTIMENT not in document:
            return frame, body, end, _NEXT_MEMBER if document else _ONLY_MEMBER
        others, position = [], start + 1
        for part in named(body, start, SENTIMENT):
            if part.start > position:
                others.append(body[position : part.start - 1])  # without the comma before it
            position = part.end + 1
        if position <= end:
            others.append(body[position:end])
        head = body[: start + 1] + b",".join(others)
        return frame, head + body[end:], len(head), _NEXT_MEMBER if others else _ONLY_MEMBER

    def fast_context(self, document: Document) -> Envelope | None:
        return None if SENTIMENT in document else self._bare

    def write(
        self, fetch: Fetch, indexes: Sequence[int], kept: Sequence[Envelope], sentiments: Sequence[bytes], time: str
    ) -> list[Output]:
        outputs: list[Output] = []
        for index, sentiment in zip(indexes, sentiments, strict=True):
            record = fetch.records[index]
            frame, body, at, member = kept[index]
            if body is None:
                body = record.value or b""
            outputs.append((b"".join((frame, body[:at], member, sentiment, body[at:])), record.headers))
        return outputs


Id: TypeAlias = str | int | orjson.Fragment | None
"""An event's own id, as orjson can write it; a number that parsing would change is a fragment of the event."""

Subject: TypeAlias = tuple[Id, CloudEvent | None, bytes]
"""The event that a verdict belongs to:

- its own id;
- the facts about the CloudEvent, if it is one;
- members of a structured CloudEvent that its answer repeats.
"""


class VerdictOnly:
    """Ids and the verdict, without the event. For a CloudEvent it is another CloudEvent, in the same mode."""

    def __init__(self, card: ModelCard, id_pointer: Pointer, frame: bytes) -> None:
        self._card, self._id_pointer, self._frame = card, id_pointer, frame

    def context_of(self, parsed: Parsed) -> Subject:
        document, body, start, _, event = parsed
        id_ = event_id(document, body, start, self._id_pointer)
        if event is None:
            return id_, None, b""
        cloudevent_id, _, extended = event
        return cloudevent_id if id_ is None else id_, event, extension_members(body) if extended else b""

    def fast_context(self, document: Document) -> Subject | None:
        id_ = self._id_pointer.find(document)
        if survives_parsing(id_):
            return id_, None, b""
        return (None, None, b"") if id_ is MISSING else None

    def write(
        self, fetch: Fetch, indexes: Sequence[int], kept: Sequence[Subject], sentiments: Sequence[bytes], time: str
    ) -> list[Output]:
        answer_id = id_template(fetch.topic, fetch.partition, self._card)
        place = f'"topic":{literal(quoted(fetch.topic))},"partition":{fetch.partition},"offset":%d'
        template = f'{{"id":{answer_id},"event_id":%b,{place},"sentiment":%b}}'.encode()
        outputs: list[Output] = []
        for index, sentiment in zip(indexes, sentiments, strict=True):
            record = fetch.records[index]
            own_id, event, extensions = kept[index]
            value = template % (record.offset, orjson.dumps(own_id), record.offset, sentiment)
            if event is None:
                outputs.append((self._frame + value, record.headers))
                continue
            id_ = orjson.loads(answer_id % record.offset)
            subject, structured, _ = event
            if structured:
                value = structured_answer(id_, fetch.topic, subject, extensions, value, time)
                outputs.append((value, record.headers))
            else:
                outputs.append((value, binary_answer(id_, fetch.topic, subject, record.headers, time)))
        return outputs


def event_id(document: Document, body: bytes, start: int, pointer: Pointer) -> Id:
    """Return the string or number that ``pointer`` finds, if any."""
    found = pointer.find(document)
    if survives_parsing(found):
        return found
    span = find(body, start, pointer) if type(found) in (int, float) else None
    return None if span is None else orjson.Fragment(body[slice(*span)])


def survives_parsing(id_: object) -> TypeGuard[str | int]:
    """Return whether an id can be written exactly as in the event, given its parsed value alone."""
    # A zero may have been written -0; integers beyond 64 bits are parsed as floats.
    return type(id_) is str or (type(id_) is int and id_ != 0)

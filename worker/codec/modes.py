"""The output modes: what an answer to an event looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import orjson

from worker.codec.answers import binary_answer, extension_members, structured_answer
from worker.codec.opened import CloudEvent, Opened
from worker.codec.pointer import Pointer
from worker.codec.rendering import id_template, literal, quoted
from worker.codec.spans import find, parts
from worker.fetch import Fetch, Headers
from worker.verdict import ModelCard

Output: TypeAlias = tuple[bytes, Headers]
"""Value and headers of an output record."""

SENTIMENT = "sentiment"


class Mode(Protocol):
    """Keeps of an event what its answer needs, and later writes the answer."""

    def keep(self, opened: Opened) -> Any:
        """What ``write`` needs of an event besides its record."""
        ...

    def write(
        self, fetch: Fetch, slots: Sequence[int], kept: Mapping[int, Any], sentiments: Sequence[bytes], time: str
    ) -> list[Output]:
        """The answers to the events in ``slots``; ``sentiments`` are their verdicts as JSON, made at ``time``."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """The bytes that an enriched event repeats, and the place in them for ``"sentiment":{...}``."""

    body: bytes = field(repr=False)
    at: int
    """Index of the brace that closes the object."""
    comma: bytes
    """What separates the verdict from the members before it; empty where there are none."""
    frame: bytes


class Enrich:
    """The event with its verdict in it: every byte stays as it came, a ``sentiment`` of the event's own excepted."""

    def __init__(self, frame: bytes) -> None:
        self._frame = frame

    def keep(self, opened: Opened) -> Envelope:
        body, at = opened.body, opened.end - 1
        # What a CloudEvent's value is, its content type says: it is never framed.
        frame = b"" if opened.event else self._frame
        if SENTIMENT not in opened.document:
            return Envelope(body, at, b"," if opened.document else b"", frame)
        others = [body[part.start : part.end] for part in parts(body, opened.start) if part.key != SENTIMENT]
        head = body[: opened.start + 1] + b",".join(others)
        return Envelope(head + body[at:], len(head), b"," if others else b"", frame)

    def write(
        self, fetch: Fetch, slots: Sequence[int], kept: Mapping[int, Envelope], sentiments: Sequence[bytes], time: str
    ) -> list[Output]:
        """Slots that are not in ``kept`` hold a bare JSON object whose last byte is its closing brace."""
        records, plain_frame = fetch.records, self._frame
        outputs: list[Output] = []
        for slot, sentiment in zip(slots, sentiments, strict=True):
            record = records[slot]
            envelope = kept.get(slot)
            if envelope is None:
                value = record.value or b""
                pieces: tuple[bytes, ...] = (plain_frame, value[:-1], b',"sentiment":', sentiment, b"}")
            else:
                body, at = envelope.body, envelope.at
                pieces = (envelope.frame, body[:at], envelope.comma, b'"sentiment":', sentiment, body[at:])
            outputs.append((b"".join(pieces), record.headers))
        return outputs


@dataclass(frozen=True, slots=True)
class Subject:
    """The event that a verdict is about."""

    event_id: bytes = field(repr=False)
    """The event's own id as JSON."""
    event: CloudEvent | None
    extensions: bytes = field(repr=False)
    """Members of a structured CloudEvent that its answer repeats."""


class VerdictOnly:
    """Ids and the verdict, without the event. About a CloudEvent it is another CloudEvent, in the same mode."""

    def __init__(self, card: ModelCard, id_pointer: Pointer, frame: bytes) -> None:
        self._card, self._id_pointer, self._frame = card, id_pointer, frame

    def keep(self, opened: Opened) -> Subject:
        extensions = extension_members(opened.body) if opened.event and opened.event.extended else b""
        return Subject(event_id(opened, self._id_pointer), opened.event, extensions)

    def write(
        self, fetch: Fetch, slots: Sequence[int], kept: Mapping[int, Subject], sentiments: Sequence[bytes], time: str
    ) -> list[Output]:
        answer_id = id_template(fetch.topic, fetch.partition, self._card)
        place = f'"topic":{literal(quoted(fetch.topic))},"partition":{fetch.partition},"offset":%d'
        template = f'{{"id":{answer_id},"event_id":%b,{place},"sentiment":%b}}'.encode()
        outputs: list[Output] = []
        for slot, sentiment in zip(slots, sentiments, strict=True):
            record, subject = fetch.records[slot], kept[slot]
            value = template % (record.offset, subject.event_id, record.offset, sentiment)
            if subject.event is None:
                outputs.append((self._frame + value, record.headers))
                continue
            id_ = orjson.loads(answer_id % record.offset)
            if subject.event.structured:
                value = structured_answer(id_, fetch.topic, subject.event, subject.extensions, value, time)
                outputs.append((value, record.headers))
            else:
                outputs.append((value, binary_answer(id_, fetch.topic, subject.event, record.headers, time)))
        return outputs


def event_id(opened: Opened, pointer: Pointer) -> bytes:
    """The string or number that ``pointer`` finds, without loss; else a CloudEvent's own id; else ``null``. As JSON."""
    found = pointer.find(opened.document)
    if type(found) is str:
        return orjson.dumps(found)
    if type(found) is int and found:  # a zero may have been written -0
        return b"%d" % found
    if type(found) in (int, float):  # integers beyond 64 bits are parsed as floats: only the bytes tell
        span = find(opened.body, opened.start, pointer)
        if span is not None:
            return opened.body[slice(*span)]
    return b"null" if opened.event is None else orjson.dumps(opened.event.id)

"""The input formats: how a record contains an event."""

from collections.abc import Mapping
from typing import Protocol

from worker.codec.cloudevents import CloudEventsJson
from worker.codec.confluent import ConfluentJson
from worker.codec.headers import FormatHeaders
from worker.codec.parsed import Parsed, parse_json
from worker.errors import Rejection


class Format(Protocol):
    """An input format: it finds an event in the value of a record and, if the format reads them, its headers."""

    def recognises(self, value: bytes, headers: FormatHeaders) -> bool:
        """Return whether the record claims to be of this format, without parsing it; the claim may be wrong."""
        ...

    def parse(self, value: bytes, headers: FormatHeaders) -> Parsed | Rejection:
        """Return the event in the record. Never raises, whatever the bytes are."""
        ...


class PlainJson:
    """A value that is a JSON object. Headers are ignored."""

    def recognises(self, value: bytes, headers: FormatHeaders) -> bool:
        return True

    def parse(self, value: bytes, headers: FormatHeaders) -> Parsed | Rejection:
        return parse_json(value)


FORMATS: Mapping[str, Format] = {
    "cloudevents": CloudEventsJson(),
    "confluent": ConfluentJson(),
    "json": PlainJson(),
}
"""Every format by its name in the setting ``input_format``; ``auto`` takes the first that recognises a record."""


def recognised(value: bytes, headers: FormatHeaders) -> Format:
    """Return the first format that recognises the record, independently of the records before it."""
    for format_ in FORMATS.values():
        if format_.recognises(value, headers):
            break  # at the latest for plain JSON, which recognises everything
    return format_

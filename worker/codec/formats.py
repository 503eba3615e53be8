"""The input formats: how an event lies in a record."""

from collections.abc import Mapping
from typing import Protocol

from worker.codec.cloudevents import CloudEventsJson
from worker.codec.confluent import ConfluentJson
from worker.codec.headers import FormatHeaders
from worker.codec.parsed import Parsed, parse_json
from worker.errors import Rejection


class Format(Protocol):
    """One way to put an event into a record, which is its value and, where the format reads them, its headers."""

    def recognises(self, value: bytes, headers: FormatHeaders) -> bool:
        """Whether the record claims to be of this format; what it claims may still be wrong. Parses nothing."""
        ...

    def parse(self, value: bytes, headers: FormatHeaders) -> Parsed | Rejection:
        """The event in the record. Raises nothing, whatever the bytes are."""
        ...


class PlainJson:
    """The value is a JSON object. Headers mean nothing."""

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
    """The first format that recognises the record; which came before it does not matter."""
    for format_ in FORMATS.values():
        if format_.recognises(value, headers):
            break  # at the latest for plain JSON, which takes everything
    return format_

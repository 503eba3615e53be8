"""The input formats: how an event lies in a record."""

from collections.abc import Mapping
from typing import Protocol

from worker.codec.cloudevents import CloudEventsJson
from worker.codec.confluent import ConfluentJson
from worker.codec.opened import Opened, open_json
from worker.errors import Rejection
from worker.fetch import Record


class Format(Protocol):
    """One way to put an event into a record."""

    def recognises(self, record: Record) -> bool:
        """Whether the record claims to be of this format; what it claims may still be wrong. Parses nothing."""
        ...

    def open(self, record: Record) -> Opened | Rejection:
        """The event in a record whose value is not null. Raises nothing, whatever the bytes are."""
        ...


class PlainJson:
    """The value is a JSON object. Headers mean nothing."""

    def recognises(self, record: Record) -> bool:
        return True

    def open(self, record: Record) -> Opened | Rejection:
        return open_json(record.value or b"")


FORMATS: Mapping[str, Format] = {
    "cloudevents": CloudEventsJson(),
    "confluent": ConfluentJson(),
    "json": PlainJson(),
}
"""Every format by its name in the setting ``input_format``; ``auto`` takes the first that recognises a record."""

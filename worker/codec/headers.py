"""The headers that tell the format of a record, looked up once for each record."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from worker.fetch import Headers

CONTENT_TYPE: Final = "content-type"
PREFIX: Final = "ce_"
"""Of a CloudEvent's attributes."""
REQUIRED: Final = ("specversion", "id", "source", "type")
"""Attributes that every CloudEvent has."""

FormatHeaders: TypeAlias = Mapping[str, bytes | None]
"""By lower-case name."""
NO_HEADERS: Final[FormatHeaders] = {}

_TELLING = frozenset({CONTENT_TYPE, *(PREFIX + name for name in REQUIRED)})


def format_headers(headers: Headers) -> FormatHeaders:
    """Return the headers that formats read; of duplicates the last counts, as with Kafka's ``lastHeader``."""
    found = {}
    for name, value in headers:
        if (lower := name.lower()) in _TELLING:
            found[lower] = value
    return found

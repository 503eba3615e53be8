"""Confluent's wire format with JSON in it: a zero byte, four bytes of a schema id (big-endian), the JSON."""

from worker.codec import rejections
from worker.codec.headers import FormatHeaders
from worker.codec.parsed import Parsed, parse_json
from worker.errors import Reason, Rejection

FRAME_BYTES = 5

_NO_FRAME = rejections.rejection(Reason.UNKNOWN_FRAME, "the value does not start with Confluent's zero byte")
_NOT_JSON = rejections.rejection(
    Reason.UNKNOWN_FRAME, "Confluent's frame holds no JSON; Avro and Protobuf are not read"
)


def frame(schema_id: int) -> bytes:
    """Return the bytes before a JSON value that the schema of this id describes."""
    return b"\0" + schema_id.to_bytes(4, "big")


class ConfluentJson:
    """Framed JSON. The schema id is not looked up: what the pointers need is checked in each event anyway."""

    def recognises(self, value: bytes, headers: FormatHeaders) -> bool:
        return value.startswith(b"\0")

    def parse(self, value: bytes, headers: FormatHeaders) -> Parsed | Rejection:
        if not value.startswith(b"\0"):
            return _NO_FRAME
        parsed = parse_json(value[FRAME_BYTES:])
        if isinstance(parsed, Rejection) and parsed.reason in _REASONS_OF_OTHER_CONTENT:
            return _NOT_JSON
        return parsed


_REASONS_OF_OTHER_CONTENT = frozenset({Reason.NOT_JSON, Reason.NOT_UTF8, Reason.UNKNOWN_FRAME})

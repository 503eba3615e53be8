"""Confluent's wire format for JSON: a zero byte, a four-byte schema id (big-endian), the JSON."""

from worker.codec import rejections
from worker.codec.headers import FormatHeaders
from worker.codec.parsed import Parsed, parse_json
from worker.errors import Reason, Rejection

FRAME_BYTES = 5

_NO_FRAME = rejections.rejection(Reason.UNKNOWN_FRAME, "the value does not start with Confluent's zero byte")
_NOT_JSON = rejections.rejection(
    Reason.UNKNOWN_FRAME, "Confluent's frame does not hold JSON; Avro and Protobuf are not supported"
)


def frame(schema_id: int) -> bytes:
    """Return the bytes that precede a JSON value with this schema id."""
    return b"\0" + schema_id.to_bytes(4, "big")


class ConfluentJson:
    """Framed JSON. The schema id is not looked up: each event is checked for what the pointers need anyway."""

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

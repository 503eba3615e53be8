"""A dead letter as a JSON object, and bytes in JSON: text where they are UTF-8, base64 where they are not."""

import base64
import binascii
from typing import Any

from worker.dead_letters.letter import DeadLetter

BASE64 = "_base64"


def bytes_fields(name: str, content: bytes | None) -> dict[str, str | None]:
    """Return bytes as a field of this name, or of this name with ``_base64`` where they are not UTF-8."""
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {name + BASE64: base64.b64encode(content).decode()}


def bytes_of(fields: dict[str, Any], name: str) -> bytes | None:
    """Return the bytes of a field that ``bytes_fields`` has made, or a program changed.

    Raises:
        ValueError: it is neither a string, null, nor base64.
        KeyError: it is not there.
    """
    if name + BASE64 in fields:
        content = fields[name + BASE64]
        try:
            return base64.b64decode(content, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise ValueError(f"{name}{BASE64} is not base64") from None
    content = fields[name]
    if content is None:
        return None
    if not isinstance(content, str):
        raise ValueError(f"{name} is neither a string nor null")
    return content.encode(errors="surrogatepass")


def as_object(letter: DeadLetter) -> dict[str, Any]:
    """Return everything about a dead letter: where it stands, why it is there, and the event."""
    return {
        "id": f"{letter.partition}@{letter.offset}",
        "timestamp": letter.timestamp,
        "errors": letter.errors,
        "replays": letter.replays,
        **bytes_fields("key", letter.event_key),
        **bytes_fields("value", letter.event_value),
        "headers": [{"name": name, **bytes_fields("value", value)} for name, value in letter.own_headers],
    }

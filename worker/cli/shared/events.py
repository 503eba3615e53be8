"""Events out of texts, and how to tell the two apart."""

import json
from typing import Any

from worker.pointer import Pointer


def is_object(line: bytes) -> bool:
    """Whether a line is a JSON object, and so an event; a text that only starts like one is none."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def event(*fields: tuple[str, str]) -> bytes:
    """Return a JSON object with each string where its pointer says: ``("/data/text", "Good.")`` gives
    ``{"data": {"text": "Good."}}``. The pointers are valid, and none leads through another's string."""
    document: dict[str, Any] = {}
    for pointer, value in fields:
        *parents, last = Pointer.parse(pointer).tokens
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        # An argument that is not UTF-8 reaches us with surrogates in the place of its bytes.
        place[last] = value.encode(errors="surrogateescape").decode(errors="replace")
    return json.dumps(document, ensure_ascii=False).encode()

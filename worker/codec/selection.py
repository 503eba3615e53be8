"""Selecting the events to classify: ``classify_if``."""

from dataclasses import dataclass
from typing import Any

import orjson

from worker.pointer import MISSING, Pointer


@dataclass(frozen=True, slots=True)
class Condition:
    """``POINTER`` or ``POINTER=VALUE``."""

    pointer: Pointer
    value: Any
    """The value that the pointer must find; MISSING: any value but null."""

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Parse a condition; raise SettingError if the pointer is not valid by RFC 6901."""
        pointer, equals, value = text.partition("=")
        return cls(Pointer.parse(pointer), _value(value) if equals else MISSING)

    def holds(self, document: Any) -> bool:
        """Return whether the condition holds for a parsed document."""
        found = self.pointer.find(document)
        if self.value is MISSING:
            return found is not MISSING and found is not None
        # To Python, true is 1.
        return found == self.value and (type(found) is bool) == (type(self.value) is bool)


def _value(text: str) -> Any:
    """Parse a JSON value; return the text itself if it is not valid JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text

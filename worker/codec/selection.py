"""Which events are meant to be classified: ``classify_if``."""

from dataclasses import dataclass
from typing import Any

import orjson

from worker.pointer import MISSING, Pointer


@dataclass(frozen=True, slots=True)
class Condition:
    """``POINTER`` or ``POINTER=VALUE``."""

    pointer: Pointer
    value: Any
    """The value that the pointer has to find; MISSING: anything but null."""

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Raises SettingError where the pointer is not RFC 6901's."""
        pointer, equals, value = text.partition("=")
        return cls(Pointer.parse(pointer), _value(value) if equals else MISSING)

    def holds(self, document: Any) -> bool:
        """Whether it holds for a parsed document."""
        found = self.pointer.find(document)
        if self.value is MISSING:
            return found is not MISSING and found is not None
        # To Python, true is 1.
        return found == self.value and (type(found) is bool) == (type(self.value) is bool)


def _value(text: str) -> Any:
    """A JSON value, or the text itself where it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text

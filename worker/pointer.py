"""JSON Pointers (RFC 6901), which locate the text and the id in an event."""

import re
from dataclasses import dataclass
from typing import Any, Final

from worker.errors import Code, SettingError

_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class _Missing:
    """Type of ``MISSING``, which is distinct from None: that is JSON's null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Pointer:
    """A parsed pointer: one token for each level, none for the whole document."""

    tokens: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Pointer":
        """Parse a pointer; raise SettingError if it is not valid by RFC 6901."""
        if text and not text.startswith("/"):
            raise SettingError(
                Code.INVALID_POINTER, f"{text!r} is not a JSON Pointer (RFC 6901): it starts with '/', such as '/text'"
            )
        if _BAD_ESCAPE.search(text):
            raise SettingError(
                Code.INVALID_POINTER,
                f"{text!r} is not a JSON Pointer (RFC 6901): write '~' as '~0' and '/' in a key as '~1'",
            )
        return cls(tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]))

    def __str__(self) -> str:
        return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in self.tokens)

    @property
    def only_key(self) -> str | None:
        """The key of a pointer to a member of the document itself, which needs one lookup and no walk."""
        return self.tokens[0] if len(self.tokens) == 1 else None

    def find(self, document: Any) -> Any:
        """Return the value in a parsed document, or ``MISSING``."""
        found = document
        for token in self.tokens:
            if isinstance(found, dict):
                found = found.get(token, MISSING)
            elif isinstance(found, list):
                index = array_index(token)
                found = found[index] if index is not None and index < len(found) else MISSING
            else:
                return MISSING
        return found


def array_index(token: str) -> int | None:
    """Return the index that a token names in an array. ``-``, the element after the last, never exists in an event."""
    return int(token) if _ARRAY_INDEX.fullmatch(token) else None

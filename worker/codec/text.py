"""Finding and checking the text in a parsed event."""

import re

from worker.codec import rejections
from worker.codec.document import Document
from worker.errors import Reason, Rejection
from worker.pointer import MISSING, Pointer

# White space, controls, and what Unicode calls Default_Ignorable_Code_Point: zero-width characters and the like.
_BLANK = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]*+"
)


def is_blank(text: str) -> bool:
    """Return whether ``text`` has no visible character."""
    # Nearly every text starts with a visible character, and an ASCII one needs no regular expression.
    return not text or (not "!" <= text[0] <= "~" and _BLANK.fullmatch(text) is not None)


def find_text(document: Document, pointer: Pointer, max_text_bytes: int) -> str | Rejection:
    """Return the text at ``pointer`` if it has a visible character and at most ``max_text_bytes`` UTF-8 bytes."""
    text = pointer.find(document)
    if text is MISSING:
        return rejections.rejection(Reason.NO_TEXT, f"nothing is found at text_path={pointer}")
    if not isinstance(text, str):
        return rejections.rejection(Reason.TEXT_NOT_A_STRING, f"what is at text_path={pointer} is not a string")
    # A character has at most four bytes, so most texts need no encoding to be measured.
    if len(text) * 4 > max_text_bytes and (size := len(text.encode())) > max_text_bytes:
        return rejections.rejection(
            Reason.TEXT_TOO_LARGE, f"the text has {size} UTF-8 bytes, more than max_text_bytes={max_text_bytes}"
        )
    return rejections.EMPTY_TEXT if is_blank(text) else text

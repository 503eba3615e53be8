"""Messages for records that cannot be answered. No message quotes the event: texts are private."""

from worker.errors import Reason, Rejection, Stage

MAX_DEPTH = 1024
"""Levels of nesting that the parser accepts (orjson's limit)."""


def rejection(reason: Reason, message: str, exception: str = "") -> Rejection:
    return Rejection(reason, Stage.DECODE, message, exception)


NULL_VALUE = rejection(Reason.NULL_VALUE, "the value is null and nothing forwards it")
NOT_UTF8 = rejection(Reason.NOT_UTF8, "the value is not valid UTF-8", "UnicodeDecodeError")
EMPTY = rejection(Reason.NOT_JSON, "the value is empty")
BYTE_ORDER_MARK = rejection(Reason.NOT_JSON, "the value starts with a byte order mark, which RFC 8259 forbids")
NOT_AN_OBJECT = rejection(Reason.NOT_AN_OBJECT, "the JSON is not an object")
NESTED_TOO_DEEPLY = rejection(Reason.NESTED_TOO_DEEPLY, f"the JSON is nested deeper than {MAX_DEPTH} levels")
LONE_SURROGATE = rejection(Reason.LONE_SURROGATE, "a string holds half of a surrogate pair, which is not a character")
EMPTY_TEXT = rejection(Reason.EMPTY_TEXT, "the text has no visible character")

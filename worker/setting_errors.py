"""Pydantic's errors of settings, in a user's words."""

from typing import Any

from worker.errors import Code


def code_of(detail: Any) -> Code:
    """Return the code of one pydantic error."""
    if detail["type"] == "extra_forbidden":
        return Code.UNKNOWN_SETTING
    return Code.INVALID_SETTING if detail["loc"] else Code.CONFLICTING_SETTINGS


def sentence_of(detail: Any) -> str:
    """One pydantic error in a user's words: the setting's name first, never the value of a secret."""
    where = ".".join(str(part) for part in detail["loc"])
    what = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        return f"there is no setting {where!r}; `sentiment-worker config` lists them all"
    return f"{where}: {what}" if where else what

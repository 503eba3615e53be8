"""Keeping secrets out of every log line, whichever library writes it and whichever handler prints it.

Clients log the requests that they send, including logins. So redaction happens where every log record is created, and
``worker.connection`` enables it at the moment it unwraps a secret.
"""

import json
import logging
import re
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

HIDDEN = "(hidden)"
SHORTEST = 4
"""Characters; a shorter secret is only hidden in logins: removed from every word, it could be read from the gaps."""

#: A login as aiokafka and kafka-python print it. All of it is removed: SCRAM's messages allow offline guessing of a
#: password. The match ends with the line, so that only this line of a traceback is removed.
_LOGIN = re.compile(r"(Sasl(?:Authenticate|Bytes)(?:Request|Response)\w*)\(.*")

_spellings: set[str] = set()
_pattern: re.Pattern[str] | None = None
_installed: Any = None


def hide(*secrets: str) -> None:
    """Hide these secrets in every log record that is created from now on, however the log may spell them."""
    global _pattern, _installed
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _spellings.update(_spelt(secret))
    if _spellings:
        _pattern = re.compile("|".join(map(re.escape, sorted(_spellings, key=len, reverse=True))))
    if logging.getLogRecordFactory() is not _installed:  # ours is not installed, or was replaced
        _installed = _redacting(logging.getLogRecordFactory())
        logging.setLogRecordFactory(_installed)


def redacted(text: str) -> str:
    """Return the text without hidden secrets and without the contents of logins."""
    text = _LOGIN.sub(rf"\1{HIDDEN}", text)
    return _pattern.sub(HIDDEN, text) if _pattern is not None else text


def _redacting(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Wrap a factory of log records so that secrets are removed from messages and tracebacks."""

    def make_redacted(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        try:
            message = record.getMessage()
        except Exception:  # an argument failed, which is not the caller's fault; logging would print it as it is
            message = _arguments_apart(record)
            record.msg, record.args = message, ()
        if (clean := redacted(message)) != message:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            told = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (clean := redacted(told)) != told:  # a formatter prints the text as it stands
                record.exc_info, record.exc_text = None, clean
        return record

    return make_redacted


def _arguments_apart(record: logging.LogRecord) -> str:
    """Return a message that cannot be formatted, followed by its arguments if they can be shown."""
    with suppress(Exception):
        return f"{record.msg} {record.args}"
    message = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
    return f"{message} (its arguments cannot be shown)"


def _spelt(secret: str) -> set[str]:
    """Return a secret as it is, and as it appears inside string literals of Python and JSON and in a URL."""
    encoded = secret.encode(errors="surrogateescape")
    return {
        secret,
        repr(secret)[1:-1],
        repr(encoded)[2:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe="", errors="surrogateescape"),
    }

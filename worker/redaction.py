"""Keep secrets out of every log line, whichever library writes it and whichever handler prints it.

Clients log the requests that they send, a login's among them. So the redaction sits where every log record is made, and
``worker.connection`` turns it on in the moment in which it takes a secret out of its wrapping.
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
"""Characters; a shorter secret is only hidden in logins: taken out of every word, it could be read from the gaps."""

#: A login as aiokafka and kafka-python print it. All of it goes: SCRAM's messages let a password be guessed offline.
#: It takes one line, so that only this line of a traceback goes.
_LOGIN = re.compile(r"(Sasl(?:Authenticate|Bytes)(?:Request|Response)\w*)\(.*")

_spellings: set[str] = set()
_pattern: re.Pattern[str] | None = None
_installed: Any = None


def hide(*secrets: str) -> None:
    """Hide these from every log record that is made from now on, in any spelling that a log may have for them."""
    global _pattern, _installed
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _spellings.update(_spelt(secret))
    if _spellings:
        _pattern = re.compile("|".join(map(re.escape, sorted(_spellings, key=len, reverse=True))))
    if logging.getLogRecordFactory() is not _installed:  # ours is not there, or somebody put another one over it
        _installed = _redacting(logging.getLogRecordFactory())
        logging.setLogRecordFactory(_installed)


def redacted(text: str) -> str:
    """Return the text without any secret that was to be hidden, and without what a login said."""
    text = _LOGIN.sub(rf"\1{HIDDEN}", text)
    return _pattern.sub(HIDDEN, text) if _pattern is not None else text


def _redacting(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Return a factory of log records that takes the secrets out of messages and tracebacks of another one's."""

    def make_redacted(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        try:
            message = record.getMessage()
        except Exception:  # of an argument, which is not the fault of who logs it; logging would print it as it is
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
    """A message that cannot be formatted, and its arguments after it where they can be shown."""
    with suppress(Exception):
        return f"{record.msg} {record.args}"
    message = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
    return f"{message} (its arguments cannot be shown)"


def _spelt(secret: str) -> set[str]:
    """A secret as it is, and as it looks between the quotes of Python's and JSON's strings and in a URL."""
    encoded = secret.encode(errors="surrogateescape")
    return {
        secret,
        repr(secret)[1:-1],
        repr(encoded)[2:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe="", errors="surrogateescape"),
    }

"""Validation of settings: the bounds of numbers, the meaning of an empty string, topics, times, JSON."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode

# Upper bounds. Kafka's milliseconds and counts are 32-bit numbers, and timers overflow somewhere above.
MAX_SECONDS = 86_400
MAX_COUNT = 2**31 - 1
MAX_BYTES = 2**40
MAX_PARTITIONS = 100_000
MAX_REPLICAS = 2**15 - 1
#: A batch of this size is built to warm an accelerator up.
MAX_BATCH_SIZE = 2**16
MAX_BATCH_TOKENS = 2**24

Seconds = Annotated[float, Field(le=MAX_SECONDS)]
Count = Annotated[int, Field(le=MAX_COUNT)]
Bytes = Annotated[int, Field(le=MAX_BYTES)]
Polarity = Annotated[float, Field(ge=-1, le=1)]
Names = Annotated[tuple[str, ...], NoDecode]
Polarities = Annotated[dict[str, Polarity], NoDecode]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLE = "2026-01-31T08:00:00Z"
_ENDS = ("earliest", "latest")
_TOPIC = re.compile("[a-zA-Z0-9._-]{1,249}")


def unset_if_blank(field: FieldInfo, value: Any) -> Any:
    """Treat a blank string as "not set", which only a setting without a default value can be.

    Raises:
        ValueError: this setting must have a value.
    """
    if not isinstance(value, str) or value.strip():
        return value
    unset = field.get_default(call_default_factory=True)
    if unset is None or unset == {}:
        return unset
    raise ValueError("is empty: give it a value, or leave it out")


def names(value: Any) -> tuple[str, ...]:
    """Return the names in a comma-separated string or a list.

    Raises:
        ValueError: there is none.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("is neither a string nor a list of strings")
    found = tuple(part.strip() for part in parts if part.strip())
    if not found:
        raise ValueError("is empty: name at least one")
    return found


def check_topics(topics: Iterable[str]) -> None:
    """Refuse topic names that Kafka refuses.

    Raises:
        ValueError: one of them is not a valid topic name.
    """
    for name in topics:
        if not _TOPIC.fullmatch(name) or name in (".", ".."):
            raise ValueError(f"{name!r} cannot be a topic: use at most 249 letters, digits, '.', '_' and '-'")


def start_time_ms(start_from: str) -> int | None:
    """Return a start as Kafka's timestamp; None for ``earliest`` and ``latest``.

    Raises:
        ValueError: it is neither of these nor a time, lacks a time zone, or is before 1970: Kafka's -1 and -2 have
            another meaning.
    """
    if start_from in _ENDS:
        return None
    try:
        time = datetime.fromisoformat(start_from)
    except ValueError:
        raise ValueError(f"{start_from!r} is neither earliest, latest, nor a time such as {_EXAMPLE}") from None
    if time.tzinfo is None:
        raise ValueError(f"{start_from!r} needs a time zone, such as {_EXAMPLE}")
    if time < _EPOCH:
        raise ValueError(
            f"{start_from!r} is before 1970, where Kafka's timestamps begin: give earliest, latest, or a later time "
            f"such as {_EXAMPLE}"
        )
    return (time - _EPOCH) // timedelta(milliseconds=1)


def parsed_json(value: Any, example: str) -> Any:
    """Parse a string as JSON; anything else comes from a TOML file and stays as it is.

    Raises:
        ValueError: it is not valid JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(
            "replace each ... with a number" if "..." in value else f"is not valid JSON ({example})"
        ) from None

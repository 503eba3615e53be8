"""A dead letter as it was read from its topic: the event as it was, and why it was not answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from worker.delivery.dead_letters import PREFIX
from worker.fetch import Headers

#: Counts how often an event was replayed. It stays with the event, so that a loop is seen.
REPLAYS_HEADER = "sentiment-worker-replays"
_FIRST = PREFIX + "topic"
#: A number in a header that is longer is none.
MOST_DIGITS = 9
_LEFT_OUT = "_left_out"
_NONE = "-1"
"""The size of what an event did not have."""


@dataclass(frozen=True)
class DeadLetter:
    """A record of the dead-letter topic.

    Args:
        partition, offset, timestamp: where it stands in that topic, and when it was written, in milliseconds.
        key, value: as they are there.
        headers: all of them.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None = field(repr=False)  # texts are private
    value: bytes | None = field(repr=False)
    headers: Headers = field(repr=False)

    @classmethod
    def of(cls, record: Any) -> "DeadLetter":
        """Return a consumed record as a dead letter."""
        return cls(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)

    @cached_property
    def own_headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The headers that the event had: an event that was a dead letter of another worker has that one's, too."""
        return [*self.headers][: self._first_of_ours]

    @cached_property
    def errors(self) -> dict[str, str]:
        """Our error headers, by their names without the prefix; empty for a record that is no dead letter of ours."""
        return {
            name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
            for name, value in [*self.headers][self._first_of_ours :]
            if name.startswith(PREFIX)
        }

    @property
    def reason(self) -> str:
        return self.errors.get("reason", "unknown")

    @property
    def topic(self) -> str:
        """The topic that the event was read from; empty if the dead letter does not say."""
        return self.errors.get("topic", "")

    @property
    def source(self) -> str:
        """Topic, partition and offset of the event."""
        return f"{self.topic}-{self.errors.get('partition', '?')}@{self.errors.get('offset', '?')}"

    @property
    def source_partition(self) -> int | None:
        number = self.errors.get("partition", "")
        return int(number) if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS else None

    @property
    def lost(self) -> list[str]:
        """Parts of the event that its dead letter lacks: ``value``, ``headers``, ``key``."""
        noted = {name.removesuffix(_LEFT_OUT): size for name, size in self.errors.items() if name.endswith(_LEFT_OUT)}
        return [part for part in ("value", "headers", "key") if noted.get(part, _NONE) != _NONE]

    @property
    def event_key(self) -> bytes | None:
        """The event's key, where it is not ``lost``: a dead letter may have one although the event had none."""
        return None if self.errors.get("key" + _LEFT_OUT) == _NONE else self.key

    @property
    def event_value(self) -> bytes | None:
        """The event's value, where it is not ``lost``."""
        return None if self.errors.get("value" + _LEFT_OUT) == _NONE else self.value

    @property
    def replays(self) -> int:
        """How often the event was replayed before."""
        counts = [value for name, value in self.own_headers if name == REPLAYS_HEADER and value]
        return int(counts[-1]) if counts and counts[-1].isdigit() and len(counts[-1]) <= MOST_DIGITS else 0

    @cached_property
    def _first_of_ours(self) -> int:
        names = [name for name, _ in self.headers]
        return len(names) - 1 - names[::-1].index(_FIRST) if _FIRST in names else len(names)

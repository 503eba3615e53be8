"""Which offsets of each partition aiokafka has gone through: the proof that nothing lies between two polls.

A partition's position alone does not tell it: a poll that nobody took, or a seek, moves it as well.
"""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from aiokafka import TopicPartition


class Stretch(NamedTuple):
    """Offsets that were read one after the other, ``stop`` exclusive; not each of them needs to have a record."""

    start: int
    stop: int


_by_assignment: WeakKeyDictionary[Any, dict[TopicPartition, Stretch]] = WeakKeyDictionary()
"""By aiokafka's assignment, which belongs to one consumer, and so to one thread."""


def note(assignment: Any, target: TopicPartition, start: int, stop: int) -> None:
    """Note that a partition was read from ``start`` to ``stop``; what was read elsewhere before a seek is forgotten."""
    stretches = _by_assignment.setdefault(assignment, {})
    before = stretches.get(target)
    stretches[target] = Stretch(before.start if before is not None and before.stop == start else start, stop)


def take(assignment: Any) -> dict[TopicPartition, Stretch]:
    """Return what was read under an assignment since the last call."""
    return _by_assignment.pop(assignment, {})

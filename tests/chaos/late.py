"""Late outputs: what a worker writes of a partition that another one has taken over and answered further. Pure.

Reading again after a crash is no such thing: the new owner begins at the committed offset, so it goes back, and it goes
on past the end. A worker that lost the partition without knowing goes on where **it** was: its outputs follow its own
last one without going back, although another worker has written them, or later ones, since.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

NEAR = 50
"""Offsets that may lie between two outputs of one run: dead letters between them."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An output, as far as time and order are concerned."""

    identity: str
    partition: int
    source_partition: int
    source_offset: int
    writer: str
    """The worker's name; empty for a tombstone, which does not tell."""
    made: float
    """When its verdict was made, seconds since the epoch."""
    created_ms: int
    """The event's timestamp."""


def late_answers(
    answers: Sequence[Answered], thaws: Mapping[str, Iterable[float]], killed: Mapping[str, float]
) -> list[Answered]:
    """Return the late ones among outputs that come in the order of their partitions.

    Where the one that took over was killed before, and the writer was not frozen, the partition may have come back to
    the writer by right: these do not count.
    """
    by_source: defaultdict[tuple[int, int], list[Answered]] = defaultdict(list)
    for answer in answers:
        if answer.writer:
            by_source[answer.partition, answer.source_partition].append(answer)
    frozen = {name: sorted(times) for name, times in thaws.items()}
    return [late for group in by_source.values() for late in _of_partition(group, frozen, killed)]


def _of_partition(
    answers: Sequence[Answered], thaws: Mapping[str, Sequence[float]], killed: Mapping[str, float]
) -> Iterable[Answered]:
    own: dict[str, Answered] = {}  # writer -> its last output
    others: dict[str, dict[str, int]] = {}  # writer -> what each other worker has reached since that output
    now = 0.0
    for answer in answers:
        now = max(now, answer.made)
        before = own.get(answer.writer)
        goes_on = before is not None and 0 < answer.source_offset - before.source_offset <= NEAR
        if before is not None and goes_on:
            overtakers = [name for name, reached in others[answer.writer].items() if reached >= answer.source_offset]
            thawed = any(time >= before.made for time in thaws.get(answer.writer, ()))
            if overtakers and (thawed or any(killed.get(name, now + 1) > now for name in overtakers)):
                yield answer
        for name in own:
            if name != answer.writer:
                reached = others[name]
                reached[answer.writer] = max(reached.get(answer.writer, -1), answer.source_offset)
        own[answer.writer] = answer
        # What others reached stays while it lies ahead: the run of a worker that was overtaken is late as a whole.
        others[answer.writer] = {
            name: reached
            for name, reached in others.get(answer.writer, {}).items()
            if goes_on and reached > answer.source_offset
        }

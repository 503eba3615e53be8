"""Deciding where a partition is read from, also when its offset is not valid any more. Pure: no clock, no broker.

An offset counts records of one log. It is useless once the topic was deleted and created again, once the broker has
lost the end of the log, or once retention has deleted the records at that offset. Kafka's clients then silently move to
an end of the log (``auto.offset.reset``); here it is detected and logged, and ``on_offset_reset`` decides.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from worker.delivery.ledger import Partition
from worker.intake.topic_ids import TopicId

Policy = Literal["earliest", "latest", "fail"]


class Cause(StrEnum):
    """Reasons why an offset is not valid for the log."""

    RECREATED = "recreated"
    BEYOND_THE_END = "beyond_the_end"
    BEFORE_THE_START = "before_the_start"


@dataclass(frozen=True, slots=True)
class Log:
    """The bounds of a partition's log, as a broker reports them."""

    start: int
    """The offset of its first record; retention moves it."""
    end: int
    """The offset after its last record."""
    stable_end: int
    """The offset after the last readable record: an open transaction limits it under ``read_committed``."""
    topic_id: TopicId | None = None
    """None if the broker does not support ids."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a partition was read."""

    offset: int
    topic_id: TopicId | None = None
    """The id of the topic that it was read from; None if unknown."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A partition that cannot be read on from its offset."""

    partition: Partition
    cause: Cause
    offset: int | None
    """The offset to continue from; None if the broker has deleted it together with the topic."""
    log: Log
    policy: Policy

    @property
    def target(self) -> int:
        """The offset to read from instead; ``fail`` reads nothing."""
        return self.log.stable_end if self.policy == "latest" else self.log.start

    @property
    def forgets(self) -> bool:
        """Whether previously received records are obsolete."""
        return self.cause is not Cause.BEFORE_THE_START

    def __str__(self) -> str:
        """Return the line for the log."""
        where, offset = f"{self.partition.topic}[{self.partition.partition}]", self.offset
        log = f"the log goes from {self.log.start} to {self.log.end}"
        if self.cause is Cause.RECREATED:
            known = "no offset is left of it" if offset is None else f"offset {offset} is of the old one"
            what = f"the topic was deleted and created again; {known}, {log}"
        elif self.cause is Cause.BEYOND_THE_END:
            what = f"offset {offset} is beyond the end of the log: {log}; records were lost, or offsets restored"
        else:
            gone = self.log.start - (offset or 0)
            what = f"{gone} offsets from {offset} on were deleted by retention before they were read: {log}"
        if self.policy == "fail":
            return f"{where}: {what}. Set on_offset_reset to earliest or latest, or set the group's offset, to go on"
        return f"{where}: {what}. Reading goes on at {self.target} (on_offset_reset={self.policy})"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a partition is read from."""

    offset: int
    reset: Reset | None = None
    """The reason why it is not read on from its offset."""
    is_first: bool = False
    """Whether it has no known position or committed offset."""


def choose_start(
    partition: Partition,
    log: Log,
    *,
    position: Bookmark | None,
    committed: Bookmark | None,
    read_ids: Collection[TopicId],
    first: int,
    policy: Policy,
) -> Start:
    """Return where a partition is to be read from.

    Args:
        partition: the partition, for the message.
        log: its log, as the broker reports it now.
        position: where this process reads it, under the current assignment.
        committed: the group's committed offset.
        read_ids: ids under which this process has read the topic, in any of its partitions.
        first: where it starts if neither is known.
        policy: ``on_offset_reset``.
    """
    bookmark = position or committed
    cause = _cause(bookmark, log, is_copy_possible=position is None)
    if log.topic_id is not None and read_ids and (bookmark is None or bookmark.topic_id is None):
        if log.topic_id not in read_ids:
            cause = Cause.RECREATED  # the broker deletes a topic's offsets together with it
        elif bookmark is None and len(read_ids) > 1:
            # It came after the topic was found to be another one. None of it counts as read.
            first = log.start
    if cause is not None:
        reset = Reset(partition, cause, None if bookmark is None else bookmark.offset, log, policy)
        return Start(reset.target, reset)
    return Start(first, is_first=True) if bookmark is None else Start(bookmark.offset)


def _cause(bookmark: Bookmark | None, log: Log, *, is_copy_possible: bool) -> Cause | None:
    if bookmark is None:
        return None
    known, current = bookmark.topic_id, log.topic_id
    # Offsets that were copied from another cluster, together with their topic, are valid.
    is_comparable = (
        known is not None and current is not None and (known.cluster == current.cluster or not is_copy_possible)
    )
    if is_comparable and known != current:
        return Cause.RECREATED
    if bookmark.offset > log.end:
        return Cause.BEYOND_THE_END
    if bookmark.offset < log.start:
        return Cause.BEFORE_THE_START
    return None

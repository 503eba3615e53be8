"""The place from which each assigned input partition is read, and the log that its offsets belong to.

A partition is read once its place is known. The place is looked up after an assignment, and again whenever it is in
doubt: the broker says that an offset is out of range, or the topic has another id. Until it is known, no record of the
partition is handed over.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from worker.delivery.ledger import Partition
from worker.intake.broker_errors import is_fatal
from worker.intake.lookup import LookUp, Whereabouts, unanswered
from worker.intake.offset_reset import Bookmark, Start, choose_start
from worker.intake.source import Source
from worker.intake.stretches import Stretch
from worker.intake.topic_ids import TopicId, TopicIds
from worker.intake.worker_side import Intake
from worker.observability.events import PartitionReadElsewhere, TopicMissed


class Thread(Protocol):
    """The interface of the consumer's thread for ``Places``."""

    def current_assignment(self) -> Any: ...

    async def look_up(self, tps: Collection[TP], time_ms: int | None) -> LookUp: ...

    async def move(self, assignment: Any, offsets: dict[TP, int]) -> bool: ...


class Places:
    """The places of all assigned input partitions. Owned by the main loop; other threads may only call ``source``.

    Args:
        thread: the consumer's thread.
        intake: the worker.
        starts_at_the_end: whether a new group starts at the end of each partition, if not at a time.
        note_committed: called with a partition and the valid committed offset of the group, or None.
        call_soon: schedules a function in the main loop, from any thread.
    """

    def __init__(
        self,
        thread: Thread,
        intake: Intake,
        *,
        starts_at_the_end: bool,
        note_committed: Callable[[TP, int | None], None],
        call_soon: Callable[..., object],
    ) -> None:
        self._thread = thread
        self._intake = intake
        self._starts_at_the_end = starts_at_the_end
        self._note_committed = note_committed
        self._call_soon = call_soon
        self._sources: dict[TP, Source] = {}
        self._next_offsets: dict[TP, int] = {}
        """The next offset of each: after everything that was accepted of it."""
        self._starts: dict[TP, int] = {}
        """The offset that each was moved to."""
        self._doubted: set[TP] = set()
        self._reasons: dict[TP, str] = {}
        self._missing: frozenset[str] = frozenset()
        self._read_ids: dict[str, list[TopicId]] = {}
        """The ids under which this process has read a topic, newest last."""
        self._at_first: dict[tuple[str, TopicId | None], int] = {}
        """How many partitions a topic had when this process, or the group before it, first saw it."""
        self._finding: asyncio.Task[None] | None = None
        self._has_failed = False
        self.trouble: str | None = None
        """The reason why nothing can be polled at present."""

    def source(self, tp: TP) -> Source | None:
        """Return the source from which the partition is, or was last, read."""
        return self._sources.get(tp)

    def is_known(self, tp: TP) -> bool:
        """Return whether the partition is read from its place, under the current assignment."""
        source = self._sources.get(tp)
        return source is not None and source.assignment is self._thread.current_assignment() and tp not in self._doubted

    def start(self, tp: TP) -> int | None:
        """Return where the partition is read from; None if unknown."""
        return self._starts[tp] if self.is_known(tp) else None

    def accept(self, tp: TP, stretch: Stretch) -> bool:
        """Accept a stretch as read if it follows the previously accepted one; return whether it does.

        The caller must hand its records over, without an await in between.
        """
        if not self.is_known(tp) or stretch.start != self._next_offsets[tp]:
            return False
        self._next_offsets[tp] = stretch.stop
        return True

    def not_accepted(self, positions: Mapping[TP, int], stretches: Mapping[TP, Stretch]) -> dict[TP, int]:
        """Return the accepted offsets of partitions that are read on from elsewhere.

        Args:
            positions: their positions after a poll whose records have been offered to ``accept``.
            stretches: the stretches of that poll.
        """
        away = {
            tp: self._next_offsets[tp]
            for tp, position in positions.items()
            if self.is_known(tp) and position != self._next_offsets[tp]
        }
        for tp, next_offset in away.items():
            start = stretches[tp].start if tp in stretches else positions[tp]
            if start != next_offset:
                self._intake.emit(PartitionReadElsewhere(tp.topic, tp.partition, start, next_offset))
        return away

    def unknown(self) -> list[TP]:
        """List the assigned input partitions whose place is unknown."""
        assignment = self._thread.current_assignment()
        tps = [] if assignment is None else [TP(*target) for target in assignment.tps]
        return sorted(tp for tp in tps if tp.topic in self._intake.topics and not self.is_known(tp))

    def reasons(self) -> list[str]:
        """List the reasons why places are unknown, as far as the broker reports them, and missing topics."""
        missing = {f"topic {topic} is missing" for topic in self._missing}
        trouble = {self.trouble} if self.trouble is not None else set()
        return sorted(missing | trouble | {self._reasons[tp] for tp in self.unknown() if tp in self._reasons})

    def note_trouble(self, trouble: str) -> bool:
        """Record why nothing can be polled; return whether that is news."""
        is_news, self.trouble = trouble != self.trouble, trouble
        return is_news

    def doubt(self, tps: Iterable[TP]) -> None:
        """Require a new lookup of these partitions before any more of their records are handed over."""
        self._doubted.update(tps)

    def forget(self, tp: TP) -> None:
        """Require a new lookup that starts from the committed offset, whatever was read of the partition before."""
        self._sources.pop(tp, None)

    def compare(self, topics: TopicIds) -> None:
        """Doubt the partitions of topics that are missing, or have another id than the one being read."""
        for topic in sorted(topics.missing - self._missing):
            self._intake.emit(TopicMissed(topic))
        self._missing = topics.missing
        for tp, source in self._sources.items():
            if tp.topic in topics.missing or self._is_new(tp.topic, source, topics.ids.get(tp.topic)):
                self._doubted.add(tp)

    def _is_new(self, topic: str, source: Source, current: TopicId | None) -> bool:
        # A broker that lags behind still returns the id of a deleted topic.
        return None not in (current, source.topic_id) and current not in self._read_ids.get(topic, ())

    def doubt_from_thread(self, tp: TP, source: Source) -> None:
        """Doubt a partition, if it is still read from this source. May be called in any thread."""
        self._call_soon(self._doubt_source, tp, source)

    def _doubt_source(self, tp: TP, source: Source) -> None:
        if self._sources.get(tp) is source:
            self._doubted.add(tp)

    async def find(self, tps: Collection[TP], patience: float | None = None) -> bool:
        """Look up where these partitions are to be read from, and seek there; or wait for a lookup in progress.

        Places that cannot be found stay unknown, and a rebalance in the meantime leaves everything to the next lookup.
        If a broker refuses for good, the worker is told.

        Args:
            tps: assigned partitions.
            patience: seconds to wait; the lookup continues after that.

        Returns:
            Whether the brokers have answered, or failed to.
        """
        if self._has_failed:
            return True
        if self._finding is not None and self._finding.done():  # nobody was waiting for it any more
            self._finding.result()
            self._finding = None
        # One at a time: of two, the later one would move partitions back to where the first one found them.
        finding = self._finding = self._finding or asyncio.ensure_future(self._find(tps))
        await asyncio.wait({finding}, timeout=patience)
        if not finding.done() or self._finding is not finding:
            return False
        self._finding = None
        finding.result()
        return True

    def stop_finding(self) -> None:
        """Cancel the lookup in progress: it belongs to another assignment, or we stop."""
        if self._finding is not None:
            self._finding.cancel()
            self._finding = None

    async def _find(self, tps: Collection[TP]) -> None:
        assignment = self._thread.current_assignment()
        try:
            answer = await self._thread.look_up(tps, self._intake.start_time_ms)
            if self._thread.current_assignment() is assignment:
                await self._go(assignment, answer)
        except (ConsumerStoppedError, ConsumerNotStarted):
            return
        except (KafkaError, TimeoutError) as error:
            if isinstance(error, KafkaError) and is_fatal(error):
                self.fail(error)
            self._reasons.update(dict.fromkeys(tps, unanswered(error)))

    def fail(self, error: BaseException) -> None:
        """Stop the worker, since a broker refuses for good. Nothing more is looked up."""
        if not self._has_failed:
            self._has_failed = True
            self._intake.fail(error)

    async def _go(self, assignment: Any, answer: LookUp) -> None:
        self._reasons.update({TP(*target): reason for target, reason in answer.unknown.items()})
        read = {TP(*target): self._read(TP(*target), assignment) for target in answer.found}
        starts = {TP(*to): self._start(TP(*to), where, read[TP(*to)]) for to, where in answer.found.items()}
        resets = [start.reset for start in starts.values() if start.reset is not None]
        if any(reset.policy == "fail" for reset in resets):
            self._has_failed = True
        self._doubted.update(starts)  # no records are accepted until they have been moved
        goals = {tp: start.offset for tp, start in starts.items()}
        if goals and not self._has_failed and not await self._thread.move(assignment, goals):
            return
        for reset in resets:
            self._intake.note_reset(reset)
            if reset.forgets:
                self._intake.revoke([reset.partition])
        if self._has_failed:
            return
        for target, where in answer.found.items():
            tp, log = TP(*target), where.log
            if goals[tp] < self._intake.ledger.next_offset(Partition(*tp)):
                self._intake.revoke([Partition(*tp)])  # it is read again
            self._next_offsets[tp] = self._starts[tp] = goals[tp]
            self._settle(tp, Source(assignment, log.topic_id, self._partitions_at_first(tp.topic, where)))
            counts = where.committed is not None and starts[tp].reset is None
            self._note_committed(tp, where.committed.offset if counts and where.committed is not None else None)
        for tp, start in starts.items():
            # Committed even if no records may come. What is committed now may be obsolete; and another lookup of the
            # latest offset, or of a time, would skip what has been received since.
            is_late = self._starts_at_the_end or self._intake.start_time_ms is not None
            if start.reset is not None or (start.is_first and is_late):
                self._intake.ledger.pass_over(Partition(*tp), start.offset)

    def _read(self, tp: TP, assignment: Any) -> Bookmark | None:
        """Return the position of a partition; None if it was not moved to its place under this assignment."""
        source = self._sources.get(tp)
        if source is None or source.assignment is not assignment:
            return None
        return Bookmark(self._next_offsets[tp], source.topic_id)

    def _start(self, tp: TP, where: Whereabouts, read: Bookmark | None) -> Start:
        return choose_start(
            Partition(*tp),
            where.log,
            position=read,
            committed=where.committed,
            read_ids=self._read_ids.get(tp.topic, ()),
            first=self._first(tp, where),
            policy=self._intake.on_offset_reset,
        )

    def _partitions_at_first(self, topic: str, where: Whereabouts) -> int:
        key = topic, where.log.topic_id
        known = self._at_first[key] = min(where.partitions_at_first, self._at_first.get(key, where.partitions_at_first))
        return known

    def _first(self, tp: TP, where: Whereabouts) -> int:
        """Return where a partition without a committed offset starts."""
        if tp.partition >= self._partitions_at_first(tp.topic, where):  # added: what was written meanwhile counts
            return where.log.start
        if self._intake.start_time_ms is not None:
            return where.log.stable_end if where.at_time is None else where.at_time
        return where.log.stable_end if self._starts_at_the_end else where.log.start

    def _settle(self, tp: TP, source: Source) -> None:
        self._sources[tp] = source
        self._doubted.discard(tp)
        self._reasons.pop(tp, None)
        read = self._read_ids.setdefault(tp.topic, [])
        if source.topic_id is not None and source.topic_id not in read:
            read.append(source.topic_id)

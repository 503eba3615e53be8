"""Where each assigned input partition is read from, and of which log its offsets count the records.

A partition is read once its place is known. It is looked up at an assignment, and again whenever there is a reason to
doubt it: the broker says that an offset is out of range, or the topic has another id. Until then nothing of the
partition is handed over.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from worker.delivery.ledger import Ledger, Partition
from worker.intake.lookup import LookUp, Whereabouts, position
from worker.intake.offset_reset import Bookmark, Policy, Reset, Start, choose_start
from worker.intake.topic_ids import TopicId, TopicIds

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One reading of a partition: under one assignment, from one log. Another reading is another object."""

    assignment: Any
    topic_id: TopicId | None


class Intake(Protocol):
    """What is asked of the worker."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def topics(self) -> frozenset[str]: ...

    @property
    def start_time_ms(self) -> int | None: ...

    @property
    def on_offset_reset(self) -> Policy: ...

    def revoke(self, partitions: Iterable[Partition]) -> None: ...

    def note_reset(self, reset: Reset) -> None:
        """Count a reset, and stop where ``on_offset_reset`` says so."""
        ...


class Thread(Protocol):
    """What is asked of the consumer's thread."""

    def current_assignment(self) -> Any: ...

    async def look_up(self, tps: Collection[TP], time_ms: int | None) -> LookUp: ...

    async def move(self, assignment: Any, offsets: dict[TP, int]) -> bool: ...


class Places:
    """The places of all assigned input partitions. Belongs to the main loop; other threads may ask ``source``.

    Args:
        thread: the consumer's.
        intake: the worker.
        starts_at_the_end: whether a new group starts at the end of each partition, if not at a time.
        forget: called with a partition whose read and committed offsets Faust must forget.
    """

    def __init__(
        self, thread: Thread, intake: Intake, *, starts_at_the_end: bool, forget: Callable[[TP], None]
    ) -> None:
        self._thread = thread
        self._intake = intake
        self._starts_at_the_end = starts_at_the_end
        self._forget = forget
        self._sources: dict[TP, Source] = {}
        self._doubted: set[TP] = set()
        self._reasons: dict[TP, str] = {}
        self._missing: frozenset[str] = frozenset()
        self._read_ids: dict[str, list[TopicId]] = {}
        """The ids under which this process has read a topic, the newest last."""

    def source(self, tp: TP) -> Source | None:
        """Return what the partition is, or was last, read from."""
        return self._sources.get(tp)

    def is_known(self, tp: TP) -> bool:
        """Tell whether the partition is read from its place, under the present assignment."""
        source = self._sources.get(tp)
        return source is not None and source.assignment is self._thread.current_assignment() and tp not in self._doubted

    def unknown(self) -> list[TP]:
        """List the assigned input partitions whose place is not known."""
        assignment = self._thread.current_assignment()
        tps = [] if assignment is None else [TP(*target) for target in assignment.tps]
        return sorted(tp for tp in tps if tp.topic in self._intake.topics and not self.is_known(tp))

    def reasons(self) -> list[str]:
        """List why places are not known, as far as the broker has said it, and which topics are gone."""
        missing = {f"topic {topic} is missing" for topic in self._missing}
        return sorted(missing | {self._reasons[tp] for tp in self.unknown() if tp in self._reasons})

    def doubt(self, tps: Iterable[TP]) -> None:
        """Have the places of these partitions looked up before anything more of them is handed over."""
        self._doubted.update(tps)

    def compare(self, topics: TopicIds) -> None:
        """Doubt the partitions of topics that are gone, or are not those that they are read from."""
        for topic in sorted(topics.missing - self._missing):
            logger.warning("topic %s is missing: waiting until somebody creates it", topic)
        self._missing = topics.missing
        for tp, source in self._sources.items():
            if tp.topic in topics.missing or self._is_new(tp.topic, source, topics.ids.get(tp.topic)):
                self._doubted.add(tp)

    def _is_new(self, topic: str, source: Source, current: TopicId | None) -> bool:
        # A broker that is behind the others still names an id that is gone.
        return None not in (current, source.topic_id) and current not in self._read_ids.get(topic, ())

    async def find(self, tps: Collection[TP]) -> None:
        """Look up where these partitions are to be read from, and go there.

        Must not run while polled records are handed over. What cannot be found stays unknown, and a rebalance that
        comes meanwhile leaves all to the next one.

        Raises:
            KafkaError: the broker refuses for good.
        """
        assignment = self._thread.current_assignment()
        try:
            answer = await self._thread.look_up(tps, self._intake.start_time_ms)
        except (KafkaError, TimeoutError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                raise
            self._reasons.update(dict.fromkeys(tps, "the broker does not say where partitions begin and end"))
            return
        if self._thread.current_assignment() is not assignment:
            return
        self._reasons.update({TP(*target): reason for target, reason in answer.unknown.items()})
        starts = {TP(*target): self._start(TP(*target), where, assignment) for target, where in answer.found.items()}
        resets = [start.reset for start in starts.values() if start.reset is not None]
        for reset in resets:
            logger.warning("%s", reset)
            self._intake.note_reset(reset)
            if reset.forgets:
                self._intake.revoke([reset.partition])
        if any(reset.policy == "fail" for reset in resets):
            return
        for reset in resets:
            self._forget(TP(*reset.partition))
        if not await self._thread.move(assignment, {tp: start.offset for tp, start in starts.items()}):
            return
        for target, where in answer.found.items():
            self._settle(TP(*target), Source(assignment, where.log.topic_id))
        for tp, start in starts.items():
            # To be committed although nothing may come. What is committed now may count nothing; and who asked again
            # for the latest, or for a time, would be sent behind what has been received since.
            if start.reset is not None or (start.is_first and not self._starts_at_the_earliest):
                self._intake.ledger.pass_over(Partition(*tp), start.offset)

    def _start(self, tp: TP, where: Whereabouts, assignment: Any) -> Start:
        source, offset, read = self._sources.get(tp), position(assignment, TopicPartition(*tp)), None
        if source is not None and source.assignment is assignment and offset is not None:
            read = Bookmark(offset, source.topic_id)
        return choose_start(
            Partition(*tp),
            where.log,
            position=read,
            committed=where.committed,
            read_ids=self._read_ids.get(tp.topic, ()),
            first=self._first(where),
            policy=self._intake.on_offset_reset,
        )

    def _first(self, where: Whereabouts) -> int:
        """Return where a partition starts of which nothing is committed."""
        if where.is_added:  # to a topic that is being read: what was written before it was noticed counts
            return where.log.start
        if self._intake.start_time_ms is not None:
            return where.log.stable_end if where.at_time is None else where.at_time
        return where.log.stable_end if self._starts_at_the_end else where.log.start

    @property
    def _starts_at_the_earliest(self) -> bool:
        return self._intake.start_time_ms is None and not self._starts_at_the_end

    def _settle(self, tp: TP, source: Source) -> None:
        self._sources[tp] = source
        self._doubted.discard(tp)
        self._reasons.pop(tp, None)
        read = self._read_ids.setdefault(tp.topic, [])
        if source.topic_id is not None and source.topic_id not in read:
            read.append(source.topic_id)

"""aiokafka's coordinator, changed to commit offsets of the present log only, and never to take back a static name.

An offset passes through Faust and aiokafka as a number. When it is committed, its topic may have been deleted, and
another topic may have its name. So the number carries its source, and each attempt to commit requests the topic's id
from the broker. The id is committed with the offset, so that a later reader can compare it as well.

A static member whose name another one has taken sends nothing more to the group: it would take the name back. A
permanent refusal is reported with the broker's error code, which aiokafka does not always keep.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from aiokafka import TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    OffsetMetadataTooLargeError,
)
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from worker.delivery.group_session import GroupSession
from worker.group_refusals import OFFSET_METADATA_TOO_LARGE, is_final, is_refusal
from worker.intake.committed import committed_offsets
from worker.intake.places import Places
from worker.intake.source import Source
from worker.intake.static_member import FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, NamedHeartbeat, error_codes, is_named
from worker.intake.topic_ids import topic_ids

NO_ERROR = 0

logger = logging.getLogger(__name__)


class ReadOffset(int):
    """An offset together with the source whose records it counts."""

    source: Source

    def __new__(cls, offset: int, source: Source) -> "ReadOffset":
        """Return the offset with its source."""
        marked = super().__new__(cls, offset)
        marked.source = source
        return marked


class Coordinator(GroupCoordinator):  # type: ignore[misc]  # aiokafka is untyped
    """Leaves out offsets of other logs and those already committed; sends nothing once its name was taken."""

    places: Places
    session: GroupSession
    on_fenced: Callable[[str], None]
    on_refused: Callable[[str, int], None]
    _acknowledged: dict[TopicPartition, ReadOffset]
    _fenced: bool
    _patience: float
    _refused: bool
    _refused_since: dict[str, float]
    _commits_metadata: bool

    @classmethod
    def adopt(
        cls,
        coordinator: Any,
        places: Places,
        session: GroupSession,
        on_fenced: Callable[[str], None],
        on_refused: Callable[[str, int], None],
        *,
        patience: float,
    ) -> None:
        """Turn the coordinator that aiokafka's consumer has created into one of these.

        Args:
            coordinator: aiokafka's coordinator, not in a group yet.
            places: the places of the partitions.
            session: ended when another member has taken our name.
            on_fenced: called with our name when another member has taken it, in the consumer's thread.
            on_refused: called once, when the broker refuses for good, with the request and Kafka's error code; also in
                that thread.
            patience: seconds for which transient refusals are tolerated: as long as a dead member still counts.
        """
        coordinator.__class__ = cls
        coordinator.places = places
        coordinator.session = session
        coordinator.on_fenced = on_fenced
        coordinator.on_refused = on_refused
        coordinator._acknowledged = {}
        coordinator._fenced = False
        coordinator._patience = patience
        coordinator._refused = False
        coordinator._refused_since = {}
        coordinator._commits_metadata = True

    async def _send_req(self, request: Any) -> Any:
        if self._fenced:
            await self._say_nothing(request)
        response = await super()._send_req(request)
        codes = error_codes(response)
        if OFFSET_METADATA_TOO_LARGE in codes and self._commits_metadata:
            raise OffsetMetadataTooLargeError
        name = self._group_instance_id
        if name is not None:
            await self._look_at_the_name(name, request, response, codes)
        asked = type(request).__name__.removesuffix("Request")
        if refusals := sorted(code for code in codes if is_refusal(asked, code)):
            await self._bear(asked, refusals[0], request)
        self._refused_since.pop(asked, None)
        return response

    async def _bear(self, asked: str, code: int, request: Any) -> NoReturn:
        now = self.session.now()
        if asked not in self._refused_since:
            self._refused_since[asked] = now
            if not is_final(code):
                logger.warning("the group's coordinator refuses %s (code %d): it is asked again", asked, code)
        if not self._refused and not is_final(code) and now - self._refused_since[asked] < self._patience:
            raise GroupLoadInProgressError  # after which aiokafka retries
        if not self._refused:
            self._refused = True
            self.on_refused(asked, code)
        await self._say_nothing(request)

    async def _look_at_the_name(self, name: str, request: Any, response: Any, codes: Collection[int]) -> None:
        if FENCED_INSTANCE_ID in codes or (UNKNOWN_MEMBER_ID in codes and await self._is_fenced(name)):
            self._fenced = True
            self.session.left()  # the other one publishes already
            self.on_fenced(name)
            await self._say_nothing(request)
        if isinstance(request, JoinGroupRequest) and NO_ERROR in codes:
            self._lead(response, name)

    async def _is_fenced(self, name: str) -> bool:
        try:
            answer = await super()._send_req(NamedHeartbeat(self.group_id, self.generation, self.member_id, name))
        except (NotImplementedError, KafkaError):
            return False
        return FENCED_INSTANCE_ID in error_codes(answer)

    async def _say_nothing(self, request: Any) -> NoReturn:
        if isinstance(request, OffsetCommitRequest):
            raise CommitFailedError("the group has already rebalanced")  # Faust continues after this error
        await asyncio.wait([self._closing])
        raise GroupCoordinatorNotAvailableError

    def _lead(self, joined: Any, name: str) -> None:
        # A leader that was restarted is told its former id, and considers itself a follower. Nobody would watch for new
        # partitions.
        if joined.leader_id != joined.member_id and is_named(joined.leader_id, name):
            self._group_subscription = set(self._subscription.subscription.topics)
            self._metadata_snapshot = self._get_metadata_snapshot()

    async def _do_fetch_commit_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        # aiokafka ignores the error of the whole group: a coordinator that is still loading would seem to have nothing
        # committed.
        topics: dict[str, list[int]] = defaultdict(list)
        for topic, number in partitions:
            topics[topic].append(number)
        response = await self._send_req(OffsetFetchRequest(self.group_id, [*topics.items()]))
        try:
            return committed_offsets(response, partitions, self.group_id)
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            self.coordinator_dead()
            raise

    async def _do_commit_offsets(self, assignment: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        # aiokafka calls this for each attempt, and retries for ever if the topic is missing.
        wanted = await self._committable(offsets)
        try:
            await super()._do_commit_offsets(assignment, wanted)
        except OffsetMetadataTooLargeError:
            self._leave_out_metadata(wanted)
            wanted = {target: OffsetAndMetadata(offset, "") for target, (offset, _) in wanted.items()}
            await super()._do_commit_offsets(assignment, wanted)
        for target, (offset, _) in wanted.items():
            if isinstance(offset, ReadOffset):
                self._acknowledged[target] = offset

    def _leave_out_metadata(self, refused: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self._commits_metadata = False
        size = max(len(metadata.encode()) for _, metadata in refused.values())
        logger.warning(
            "the brokers take less than the %d bytes that say with each offset of which topic it is: offsets are "
            "committed without. A topic that is made anew while no worker runs is then noticed only where the offsets "
            "do not fit it: raise offset.metadata.max.bytes of the brokers (Kafka's default is 4096), and start the "
            "workers again",
            size,
        )

    async def _committable(
        self, offsets: dict[TopicPartition, OffsetAndMetadata]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        wanted = {target: offset for target, offset in offsets.items() if not isinstance(offset.offset, ReadOffset)}
        ours = {target: offset.offset for target, offset in offsets.items() if self._is_news(target, offset.offset)}
        if not ours:
            return wanted
        # On the connection of the commit, just before it.
        topics = await topic_ids(
            self._client,
            {target.topic for target in ours},
            node=self.coordinator_id,
            connection=ConnectionGroup.COORDINATION,
        )
        for target, offset in ours.items():
            read, current = offset.source.topic_id, topics.ids.get(target.topic)
            if target.topic in topics.missing or (None not in (read, current) and read != current):
                logger.info("offset %d of %s[%d] is not committed: the topic is gone", offset, *target)
                self.places.doubt_from_thread(TP(*target), offset.source)
            else:
                metadata = offset.source.as_metadata() if self._commits_metadata else ""
                wanted[target] = OffsetAndMetadata(offset, metadata)
        return wanted

    def _is_news(self, target: TopicPartition, offset: Any) -> bool:
        if not isinstance(offset, ReadOffset) or offset.source is not self.places.source(TP(*target)):
            return False
        known = self._acknowledged.get(target)
        return known is None or known.source is not offset.source or known != offset

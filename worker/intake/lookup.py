"""Asking the brokers where partitions can be read from. Runs in the consumer's thread."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, OffsetResetStrategy
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.protocol.offset import OffsetRequest

from worker.intake.added_partitions import partitions_at_first
from worker.intake.broker_errors import UnansweredError, is_fatal, raise_for
from worker.intake.offset_reset import Bookmark, Log
from worker.intake.topic_ids import ANSWER_SECONDS, QUESTIONS, TopicId, TopicIds, topic_ids

NO_SUCH_OFFSET = -1


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The facts about one partition."""

    log: Log
    committed: Bookmark | None
    """The group's committed offset; None if there is none."""
    partitions_at_first: int
    """How many partitions its topic had when the group began to read it, or has now if the group begins only now."""
    at_time: int | None
    """Its first record at or after the requested time; None if there is none, or no time was requested."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """The result for each requested partition: its place, or the reason why it is unknown."""

    found: dict[TopicPartition, Whereabouts]
    unknown: dict[TopicPartition, str]


@dataclass(frozen=True, slots=True)
class _Ends:
    start: int
    end: int
    stable_end: int
    at_time: int | None


def unanswered(error: Exception) -> str:
    """Return the reason why a place is unknown."""
    name = "no answer" if isinstance(error, TimeoutError | RequestTimedOutError) else str(error) or type(error).__name__
    return f"the broker does not say where partitions begin and end: {name}"


async def look_up(consumer: Any, targets: Collection[TopicPartition], time_ms: int | None) -> LookUp:
    """Ask where these partitions can be read from.

    Args:
        consumer: aiokafka's consumer, started.
        targets: assigned partitions.
        time_ms: where partitions without a committed offset start; None: at an end of the log.

    Raises:
        KafkaError: a broker refuses for good, or no partition could be looked up.
        TimeoutError: the group's coordinator does not answer.
    """
    client = consumer._client
    topics = await topic_ids(client, {target.topic for target in targets})
    for error in topics.errors.values():
        if is_fatal(error):
            raise error
    unknown = {target: reason for target in targets if (reason := _why_unknown(client, topics, target))}
    known = [target for target in targets if target not in unknown]
    counts = {topic: _count(client, topics, topic) for topic in {target.topic for target in known}}
    siblings = {TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)}
    async with asyncio.timeout(ANSWER_SECONDS):
        committed = await consumer._coordinator.fetch_committed_offsets([*siblings.union(known)])
    at_first = {
        topic: partitions_at_first(count, _marks(topic, topics.ids.get(topic), committed))
        for topic, count in counts.items()
    }
    # Asked for the end of a partition, a broker returns the start of an open transaction; but only an offset after all
    # records is out of range.
    isolation = READ_COMMITTED if consumer._isolation_level == "read_committed" else READ_UNCOMMITTED
    by_leader: dict[int, list[TopicPartition]] = defaultdict(list)
    for target in known:
        by_leader[client.cluster.leader_for_partition(target)].append(target)
    times = {} if time_ms is None else {target: time_ms for target in known if target not in committed}
    answers = await asyncio.gather(
        *(_ends(client, leader, ours, times, isolation) for leader, ours in by_leader.items())
    )
    found = {}
    for target, ends in ((target, ends) for answer in answers for target, ends in answer.items()):
        if isinstance(ends, Exception):
            unknown[target] = unanswered(ends)
            continue
        mark = committed.get(target)
        found[target] = Whereabouts(
            Log(ends.start, ends.end, ends.stable_end, topics.ids.get(target.topic)),
            mark and Bookmark(mark.offset, TopicId.from_metadata(mark.metadata or "")),
            at_first[target.topic],
            ends.at_time,
        )
    if any(isinstance(ends, Exception) for answer in answers for ends in answer.values()):
        client.force_metadata_update()  # the leader may have changed
    return LookUp(found, unknown)


def _why_unknown(client: Any, topics: TopicIds, target: TopicPartition) -> str | None:
    if target.topic in topics.missing:
        return f"topic {target.topic} is missing"
    if target.topic in topics.errors:
        return f"the broker says nothing of topic {target.topic}: {topics.errors[target.topic]}"
    if client.cluster.leader_for_partition(target) in (None, -1):
        return f"{target.topic}[{target.partition}] has no leader"
    return None


def _marks(topic: str, topic_id: TopicId | None, committed: Mapping[TopicPartition, Any]) -> dict[int, str]:
    """Return the metadata committed for a topic, by partition, without that of another topic of the same name."""
    texts = {target.partition: mark.metadata or "" for target, mark in committed.items() if target.topic == topic}
    return {number: text for number, text in texts.items() if TopicId.from_metadata(text) in (None, topic_id)}


def _count(client: Any, topics: TopicIds, topic: str) -> int:
    return topics.partitions.get(topic) or len(client.cluster.partitions_for_topic(topic) or ())


async def _ends(
    client: Any, leader: int, targets: list[TopicPartition], times: Mapping[TopicPartition, int], isolation: int
) -> dict[TopicPartition, _Ends | Exception]:
    """Ask one broker for ends of partitions; if it does not answer, return the error for each of them."""
    timed = {target: times[target] for target in targets if target in times}
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            starts, stable_ends, ends, at_time = await asyncio.gather(
                _offsets(client, leader, dict.fromkeys(targets, OffsetResetStrategy.EARLIEST), isolation),
                _offsets(client, leader, dict.fromkeys(targets, OffsetResetStrategy.LATEST), isolation),
                _offsets(client, leader, dict.fromkeys(targets, OffsetResetStrategy.LATEST), READ_UNCOMMITTED),
                _offsets(client, leader, timed, isolation),
            )
    except (KafkaError, TimeoutError) as error:
        if isinstance(error, KafkaError) and is_fatal(error):
            raise
        return dict.fromkeys(targets, error)
    found: dict[TopicPartition, _Ends | Exception] = {}
    for target in targets:
        start, end, stable_end = (answer.get(target, _SILENCE) for answer in (starts, ends, stable_ends))
        first = at_time.get(target, _SILENCE if target in timed else NO_SUCH_OFFSET)
        for told in (start, end, stable_end, first):
            if isinstance(told, KafkaError):
                found[target] = told
        if target not in found:
            found[target] = _Ends(start, end, stable_end, None if first == NO_SUCH_OFFSET else first)
    return found


_SILENCE = UnansweredError("no answer")


async def _offsets(
    client: Any, leader: int, times: Mapping[TopicPartition, int], isolation: int
) -> dict[TopicPartition, int | KafkaError]:
    if not times:
        return {}
    topics: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for target, time in times.items():
        topics[target.topic].append((target.partition, time))
    response = await client.send(leader, OffsetRequest(-1, isolation, [*topics.items()]), group=QUESTIONS)
    return {
        TopicPartition(topic, number): _told(topic, *told)
        for topic, told_all in response.topics
        for number, *told in told_all
    }


def _told(topic: str, code: int, _: int, offset: int) -> int | KafkaError:
    try:
        raise_for(code, topic, topic)
    except KafkaError as error:
        if is_fatal(error):
            raise
        return error
    return offset


def position(assignment: Any, target: TopicPartition) -> int | None:
    """Return the position of an assigned partition; None while it is being looked up."""
    state = assignment.state_value(target)
    return cast(int, state.position) if state is not None and state.has_valid_position else None

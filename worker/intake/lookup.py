"""What the broker says of where partitions can be read from. Runs in the consumer's thread."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, OffsetResetStrategy
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.offset import OffsetRequest

from worker.intake.offset_reset import Bookmark, Log
from worker.intake.topic_ids import QUESTIONS, TopicId, topic_ids

#: A broker that does not answer within this is asked again later.
LOOK_UP_SECONDS = 5.0
NO_SUCH_OFFSET = -1


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What is known of a partition."""

    log: Log
    committed: Bookmark | None
    """What the group has committed of it."""
    is_added: bool
    """Whether the group has committed something of its topic, but nothing of it: it came later."""
    at_time: int | None
    """Its first record at or after the time that was asked for; None where there is none, or nothing was asked."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """An answer for each partition that was asked for: what is known of it, or why nothing is."""

    found: dict[TopicPartition, Whereabouts]
    unknown: dict[TopicPartition, str]


async def look_up(consumer: Any, targets: Collection[TopicPartition], time_ms: int | None) -> LookUp:
    """Ask where these partitions can be read from.

    Args:
        consumer: aiokafka's, started.
        targets: assigned partitions.
        time_ms: where partitions without a committed offset start; None: at an end of the log.

    Raises:
        KafkaError: a broker refuses, or cannot be asked.
        TimeoutError: a broker does not answer.
    """
    async with asyncio.timeout(LOOK_UP_SECONDS):
        client = consumer._client
        ids = await topic_ids(client, {target.topic for target in targets})
        unknown = {target: f"topic {target.topic} is missing" for target in targets if target.topic in ids.missing}
        for target in targets:
            if target not in unknown and client.cluster.leader_for_partition(target) in (None, -1):
                unknown[target] = f"{target.topic}[{target.partition}] has no leader"
        known = [target for target in targets if target not in unknown]
        siblings = [
            TopicPartition(topic, number)
            for topic in {target.topic for target in known}
            for number in client.cluster.partitions_for_topic(topic) or ()
        ]
        committed = await consumer._coordinator.fetch_committed_offsets(siblings)
        begun = {sibling.topic for sibling in committed}
        new = [target for target in known if target not in committed and target.topic not in begun]
        # For the broker the end of a partition is before an open transaction; beyond the end is beyond all records.
        isolation = READ_COMMITTED if consumer._isolation_level == "read_committed" else READ_UNCOMMITTED
        starts, stable_ends, ends, at_time = await asyncio.gather(
            _offsets(client, dict.fromkeys(known, OffsetResetStrategy.EARLIEST), isolation),
            _offsets(client, dict.fromkeys(known, OffsetResetStrategy.LATEST), isolation),
            _offsets(client, dict.fromkeys(known, OffsetResetStrategy.LATEST), READ_UNCOMMITTED),
            _offsets(client, {} if time_ms is None else dict.fromkeys(new, time_ms), isolation),
        )
    found = {}
    for target in known:
        bookmark, first = committed.get(target), at_time.get(target, NO_SUCH_OFFSET)
        found[target] = Whereabouts(
            Log(starts[target], ends[target], stable_ends[target], ids.ids.get(target.topic)),
            bookmark and Bookmark(bookmark.offset, TopicId.from_metadata(bookmark.metadata or "")),
            bookmark is None and target.topic in begun,
            None if first == NO_SUCH_OFFSET else first,
        )
    return LookUp(found, unknown)


async def _offsets(client: Any, times: Mapping[TopicPartition, int], isolation: int) -> dict[TopicPartition, int]:
    by_leader: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for target, time in times.items():
        by_leader[client.cluster.leader_for_partition(target)][target.topic].append((target.partition, time))
    requests = [
        client.send(leader, OffsetRequest(-1, isolation, list(topics.items())), group=QUESTIONS)
        for leader, topics in by_leader.items()
    ]
    offsets = {}
    for response in await asyncio.gather(*requests):
        for topic, partitions in response.topics:
            for number, code, _, offset in partitions:
                if for_code(code) is not NoError:
                    client.force_metadata_update()
                    raise for_code(code)(f"{topic}[{number}]")
                offsets[TopicPartition(topic, number)] = offset
    return offsets


def position(assignment: Any, target: TopicPartition) -> int | None:
    """Return where an assigned partition is read on; None while that is being looked up."""
    state = assignment.state_value(target)
    return cast(int, state.position) if state is not None and state.has_valid_position else None

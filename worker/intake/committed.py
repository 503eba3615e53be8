"""Reading a coordinator's OffsetFetch response."""

from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from worker.intake.broker_errors import UnansweredError, raise_for

#: The offset in the response for a partition without a committed offset.
NOTHING_COMMITTED = -1


def committed_offsets(
    response: Any, partitions: Iterable[TopicPartition], group: str
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return the group's committed offsets of these partitions, without those that have none.

    Args:
        response: the response to an OffsetFetch request, of any version that aiokafka supports.
        partitions: the requested partitions.
        group: the group, for messages.

    Raises:
        KafkaError: the response lacks some of them. Since version 2, an error of the whole group comes without
            partitions.
    """
    raise_for(getattr(response, "error_code", 0), f"the group {group!r}")
    told = {}
    for topic, answers in response.topics:
        for number, offset, metadata, code in answers:
            raise_for(code, f"the group {group!r} in {topic}[{number}]", topic)
            told[TopicPartition(topic, number)] = OffsetAndMetadata(offset, metadata)
    if silent := sorted(set(partitions) - told.keys()):
        raise UnansweredError(f"the coordinator of the group {group!r} did not return an offset for {silent[0].topic}")
    return {target: answer for target, answer in told.items() if answer.offset != NOTHING_COMMITTED}

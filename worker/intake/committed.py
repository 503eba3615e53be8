"""Read the answer of a group's coordinator about committed offsets."""

from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from worker.intake.broker_errors import UnansweredError, raise_for

#: What the coordinator says of a partition of which nothing is committed.
NOTHING_COMMITTED = -1


def committed_offsets(
    response: Any, partitions: Iterable[TopicPartition], group: str
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return what the group has committed of these partitions, without those of which it has committed nothing.

    Args:
        response: to an OffsetFetch request, of any version that aiokafka speaks.
        partitions: that were asked for.
        group: for messages.

    Raises:
        KafkaError: the coordinator does not say it of all of them. An error of the whole group, since version 2, comes
            without any partition.
    """
    raise_for(getattr(response, "error_code", 0), f"the group {group!r}")
    told = {}
    for topic, answers in response.topics:
        for number, offset, metadata, code in answers:
            raise_for(code, f"the group {group!r} in {topic}[{number}]", topic)
            told[TopicPartition(topic, number)] = OffsetAndMetadata(offset, metadata)
    if silent := sorted(set(partitions) - told.keys()):
        raise UnansweredError(f"the coordinator of the group {group!r} says nothing of {silent[0].topic}")
    return {target: answer for target, answer in told.items() if answer.offset != NOTHING_COMMITTED}

"""Add the parts of static membership that Faust and aiokafka lack (``group_instance_id``).

A static member keeps its partitions over a restart: the broker answers with the assignment that the group has, made for
whoever had the name before. aiokafka tells the broker the name when it joins, but not with a heartbeat: a member whose
name was taken learns only that it is unknown, joins again, and takes the name back, for ever.
"""

from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import UnknownMemberIdError
from aiokafka.protocol.api import Request, RequestStruct
from aiokafka.protocol.group import HeartbeatResponse_v1
from aiokafka.protocol.types import Int32, Schema, String
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor

UNKNOWN_MEMBER_ID = UnknownMemberIdError.errno
FENCED_INSTANCE_ID = 82  # which aiokafka does not know
#: Kafka's ids of static members are the name, a hyphen, and a UUID of this length.
UUID_LENGTH = 36


class Assignor(PartitionAssignor):
    """Faust's, for a member that the group knows under the address that it had before its restart."""

    def on_assignment(self, assignment: Any) -> None:
        """Take an assignment; where it names a former address of ours, the present one takes its place."""
        metadata, own = ClientMetadata.loads(self._decompress(assignment.user_data)), str(self._url)
        if metadata.url != own:
            for distribution in (metadata.changelog_distribution, metadata.external_topic_distribution):
                if metadata.url in distribution:
                    distribution[own] = distribution.pop(metadata.url)
            metadata.url = own
            assignment = ConsumerProtocolMemberAssignment(
                assignment.version, assignment.assignment, self._compress(metadata.dumps())
            )
        super().on_assignment(assignment)


class _HeartbeatResponse(HeartbeatResponse_v1):  # type: ignore[misc]
    API_VERSION = 3


class _HeartbeatStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 12
    API_VERSION = 3
    RESPONSE_TYPE = _HeartbeatResponse
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("generation_id", Int32),
        ("member_id", String("utf-8")),
        ("group_instance_id", String("utf-8")),
    )


class NamedHeartbeat(Request[_HeartbeatStruct]):  # type: ignore[misc]
    """A heartbeat with the member's name: the broker says whether another one has it."""

    API_KEY = 12

    def __init__(self, group: str, generation: int, member_id: str, name: str) -> None:
        self._fields = (group, generation, member_id, name)

    def build(self, request_struct_class: type[_HeartbeatStruct]) -> _HeartbeatStruct:
        """Return the request in the version that the broker speaks."""
        return request_struct_class(*self._fields)


def error_codes(response: Any) -> set[int]:
    """Return the error codes in an answer of the group's coordinator."""
    own = {response.error_code} if hasattr(response, "error_code") else set()
    return own | {partition[-1] for _, partitions in getattr(response, "topics", ()) for partition in partitions}


def is_named(member_id: str, name: str) -> bool:
    """Tell whether the broker made a member's id for this name."""
    return member_id.startswith(f"{name}-") and len(member_id) == len(name) + 1 + UUID_LENGTH

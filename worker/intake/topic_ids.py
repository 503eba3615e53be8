"""The ids of topics: what tells a topic from one of the same name that was deleted before it.

aiokafka asks for metadata in version 5, ids came with version 10. The request here is that version, sent through
aiokafka's own connections.
"""

import asyncio
import base64
import random
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Self
from weakref import WeakKeyDictionary

from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    NoBrokersAvailable,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from worker.intake.broker_errors import raise_for

#: The connections for questions like these: on the usual one they would wait behind a fetch, a second and longer.
QUESTIONS = "questions"
#: A broker that does not answer within this is given up, and another one asked next. aiokafka would wait for 75 s.
ANSWER_SECONDS = 5.0
NO_ID = bytes(16)
"""The id that a broker gives for a topic without one."""


@dataclass(frozen=True, slots=True)
class TopicId:
    """A topic of a cluster, as Kafka's tools print both ids."""

    cluster: str
    topic: str

    def as_metadata(self) -> str:
        """Return the text that goes with a committed offset."""
        return f"cluster_id={self.cluster} topic_id={self.topic}"

    @classmethod
    def from_metadata(cls, text: str) -> Self | None:
        """Return what ``as_metadata`` wrote; None where somebody else committed."""
        fields = dict(part.split("=", 1) for part in text.split(" ") if "=" in part)
        if fields.keys() - {"partitions"} != {"cluster_id", "topic_id"}:
            return None
        return cls(fields["cluster_id"], fields["topic_id"])


@dataclass(frozen=True, slots=True)
class TopicIds:
    """A broker's answer about some topics."""

    ids: dict[str, TopicId]
    """By name. A broker older than 2.8 knows no ids."""
    missing: frozenset[str]
    """Topics that are not on the cluster."""
    partitions: dict[str, int] = field(default_factory=dict)
    """How many partitions each topic has, those without a leader, too."""
    errors: dict[str, KafkaError] = field(default_factory=dict)
    """Why nothing else is said of a topic."""


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]  # aiokafka is untyped
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequestStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestStruct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequestStruct]) -> _MetadataRequestStruct:
        return request_struct_class([(NO_ID, topic, {}) for topic in self._topics], False, False, False, {})


_silent: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
"""By client the broker that has not answered the last question that failed."""


def _any_node(client: Any) -> int:
    nodes: set[int] = {broker.nodeId for broker in client.cluster.brokers()}
    if not nodes:
        raise NoBrokersAvailable("no broker is known")
    return random.choice(sorted(nodes - {_silent.get(client, -1)} or nodes))


async def topic_ids(
    client: Any, topics: Iterable[str], *, node: int | None = None, connection: Hashable = QUESTIONS
) -> TopicIds:
    """Ask a broker for the ids of topics.

    Args:
        client: aiokafka's, bootstrapped.
        topics: by name.
        node: the broker; None: any.
        connection: aiokafka's name for one of several connections to a broker.

    Raises:
        KafkaError: the broker does not answer within ``ANSWER_SECONDS``; another one is asked next time.
    """
    node = _any_node(client) if node is None else node
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await client.send(node, _MetadataRequest(sorted(topics)), group=connection)
    except TimeoutError:
        _silent[client] = node
        raise RequestTimedOutError(f"broker {node} does not answer") from None
    except (NotImplementedError, IncompatibleBrokerVersion):  # older than 2.8
        return TopicIds({}, frozenset())
    except KafkaError:
        _silent[client] = node
        raise
    ids, missing, counts, errors = {}, set(), {}, {}
    for error_code, name, topic_id, _, partitions, *_ in response.topics:
        if error_code == UnknownTopicOrPartitionError.errno:
            missing.add(name)
            continue
        try:
            raise_for(error_code, name, name)
        except KafkaError as error:
            errors[name] = error
            continue
        counts[name] = len(partitions)
        if topic_id != NO_ID:
            printed = base64.urlsafe_b64encode(topic_id).decode().rstrip("=")
            ids[name] = TopicId(response.cluster_id or "", printed)
    return TopicIds(ids, frozenset(missing), counts, errors)

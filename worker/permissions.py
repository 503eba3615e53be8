"""Try each permission that the worker needs, and name those that Kafka refuses.

Each permission is tried with a request that needs it and can have no effect: brokers check permissions before anything
else. A running group is not disturbed, and nothing is written or created.

    Read on an input        Fetch from an offset that no topic reaches
    Read on the group       Heartbeat of a member that does not exist; joining and committing need the same permission
    Write on an output      Produce to a partition that no topic has
    IdempotentWrite         InitProducerId, which uses up one producer id
    Create                  CreateTopics with validate_only
"""

import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from worker.connection import ask, principal
from worker.errors import BrokerError, Code
from worker.settings import Settings

# Kafka's error codes.
NO_SUCH_TOPIC, TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED = 3, 29, 30, 31

_BEYOND = 2**62
_NO_PARTITION = 2**31 - 1
_WAIT_MS = 5_000


@dataclass(frozen=True, slots=True)
class Permission:
    """An operation on a resource, as Kafka's ACLs list them."""

    operation: str
    resource: str
    """``topic``, ``group`` or ``cluster``."""
    name: str = ""

    def __str__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"{self.operation} the {self.resource}{named}"


IDEMPOTENT_WRITE = Permission("IdempotentWrite", "cluster")


def needed(settings: Settings) -> list[Permission]:
    """Return the permissions that a worker with these settings needs, except for creating topics."""
    return [
        *(Permission("Read", "topic", topic) for topic in settings.input_topics),
        Permission("Read", "group", settings.group_id),
        *(Permission("Write", "topic", topic) for topic in (settings.output_topic, settings.dead_letter_topic)),
        IDEMPOTENT_WRITE,
    ]


async def missing_permissions(settings: Settings, connection: Any) -> list[Permission]:
    """Try each permission and return those that are refused, including Create where missing topics are to be created.

    A permission counts as granted if the broker does not know the request: only Kafka's own refusal counts as one.

    Args:
        connection: an ``AIOKafkaConnection``, logged in, to any broker of the cluster.

    Raises:
        BrokerError: the broker does not answer.
    """
    missing = [permission for permission in needed(settings) if await _is_refused(connection, permission)]
    if any(permission.operation == "Write" for permission in missing):
        # Since Kafka 3.0, whoever may write to a topic may also write idempotently.
        missing = [permission for permission in missing if permission != IDEMPOTENT_WRITE]
    if settings.missing_topics == "create":
        codes = await topic_codes(connection, settings.topics)
        new = [topic for topic, code in codes.items() if code == NO_SUCH_TOPIC]
        missing += await missing_creations(settings, connection, new)
    return missing


async def missing_creations(settings: Settings, connection: Any, topics: Collection[str]) -> list[Permission]:
    """Return the missing Create permissions for these topics, which do not exist. Errors: as above."""
    from aiokafka.protocol.admin import CreateTopicsRequest

    if not topics:
        return []
    count, replicas = settings.topic_partitions, settings.topic_replication
    wanted: list[Any] = [(topic, count, replicas, [], []) for topic in topics]
    answer = await ask(connection, CreateTopicsRequest(wanted, _WAIT_MS, True))
    codes = {topic: code for topic, code, *_ in answer.topic_errors} if answer is not None else {}
    return [creation(topic) for topic, code in codes.items() if code == TOPIC_REFUSED]


def creation(topic: str) -> Permission:
    """Return the permission to create a topic."""
    return Permission("Create", "topic", topic)


async def topic_codes(connection: Any, topics: Collection[str]) -> dict[str, int]:
    """Look topics up without creating any; return Kafka's error code for each, 0 for one that exists.

    Raises:
        BrokerError: the broker does not answer.
    """
    from aiokafka.protocol.metadata import MetadataRequest

    answer = await ask(connection, MetadataRequest([*topics], False))
    return {topic: code for code, topic, *_ in answer.topics} if answer is not None else {}


async def present_topics(settings: Settings, connection: Any, topics: Collection[str], operation: str) -> set[str]:
    """Return those of these topics that exist.

    Kafka shows a topic to those with a permission on it, and does not tell others whether it exists.

    Args:
        operation: the intended operation, as Kafka names it.

    Raises:
        BrokerError: they may not be looked up, so the operation is not allowed either; or the broker does not answer.
    """
    codes = await topic_codes(connection, topics)
    if hidden := [topic for topic, code in codes.items() if code == TOPIC_REFUSED]:
        raise refusal(settings, [Permission(operation, "topic", topic) for topic in hidden])
    return {topic for topic, code in codes.items() if code != NO_SUCH_TOPIC}


async def check_permissions(settings: Settings, connection: Any) -> None:
    """Try each permission. The arguments are those of ``missing_permissions``.

    Raises:
        BrokerError: some are refused, all of which the message names; or the broker does not answer.
    """
    missing = await missing_permissions(settings, connection)
    if missing:
        raise refusal(settings, missing)


def refusal(settings: Settings, missing: Iterable[Permission]) -> BrokerError:
    """Return the error that names our principal and what it may not do, with the commands that grant all of it."""
    permissions = [*missing]
    return BrokerError(
        Code.NOT_AUTHORISED,
        f"{principal(settings)} may not {', nor '.join(map(str, permissions))}: allow it "
        f"({' && '.join(_commands(settings, permissions))}), or log in as somebody who may",
    )


def _commands(settings: Settings, permissions: Iterable[Permission]) -> Iterator[str]:
    """Yield a ``kafka-acls`` command for each operation: one command grants all its operations on all its resources."""
    resources: dict[str, list[str]] = {}
    for permission in permissions:
        named = f" {shlex.quote(permission.name)}" if permission.name else ""
        resources.setdefault(permission.operation, []).append(f"--{permission.resource}{named}")
    for operation, flags in resources.items():
        yield (
            f"kafka-acls --add --allow-principal '{principal(settings)}' --operation {operation} "
            f"{' '.join(dict.fromkeys(flags))}"
        )


def refused(settings: Settings, error: BaseException, operation: str = "") -> BrokerError | None:
    """Turn a client's error into the error that names our principal and what it may not do; None for other errors.

    Args:
        operation: the operation on the topic, as Kafka names it; without one, what the worker does with the topic.
    """
    kind = type(error).__name__
    if kind == "TopicAuthorizationFailedError":
        if names_no_topic(error):
            return BrokerError(
                Code.NOT_AUTHORISED,
                f"{principal(settings)} may not {operation or 'use'} a topic, and Kafka does not say which: "
                "`sentiment-worker doctor` tries each, and names it",
            )
        return refusal(settings, [_of_topic(settings, topic, operation) for topic in _names(error)])
    if kind == "GroupAuthorizationFailedError":
        return refusal(settings, [Permission("Read", "group", settings.group_id)])
    if kind == "ClusterAuthorizationFailedError":
        return refusal(settings, [IDEMPOTENT_WRITE])
    return None


def names_no_topic(error: BaseException) -> bool:
    """Return whether a client's error is a refusal of a topic that it does not name."""
    return type(error).__name__ == "TopicAuthorizationFailedError" and not _names(error)


def _of_topic(settings: Settings, topic: str, operation: str) -> Permission:
    return Permission(operation or ("Read" if topic in settings.input_topics else "Write"), "topic", topic)


def _names(error: BaseException) -> list[str]:
    """Return the names in a client's error: none, one, or several, sorted."""
    first = error.args[0] if error.args else None
    if isinstance(first, str):
        return [first]
    return sorted(first) if isinstance(first, set | frozenset | list | tuple) else []


async def _is_refused(connection: Any, permission: Permission) -> bool:
    from aiokafka.protocol.fetch import FetchRequest
    from aiokafka.protocol.group import HeartbeatRequest
    from aiokafka.protocol.produce import ProduceRequest
    from aiokafka.protocol.transaction import InitProducerIdRequest

    name = permission.name
    match permission.operation, permission.resource:
        case "Read", "topic":
            request = FetchRequest(0, 0, 1, 0, [(name, [(0, _BEYOND, 1)])])
        case "Read", "group":
            request = HeartbeatRequest(name, 0, "nobody")
        case "Write", "topic":
            request = ProduceRequest(None, -1, _WAIT_MS, [(name, [(_NO_PARTITION, _a_batch())])])
        case _:
            request = InitProducerIdRequest(None, _WAIT_MS)
    answer = await ask(connection, request)
    return bool(set(_codes(answer)) & {TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED})


def _codes(answer: Any) -> list[int]:
    """Return the error codes of a response: its own, or those of its partitions, where the code is the second field."""
    if answer is None:
        return []
    topics = getattr(answer, "topics", None)
    if topics is None:
        return [answer.error_code]
    return [partition[1] for _, partitions in topics for partition in partitions]


def _a_batch() -> bytes:
    """Return a batch of one record, for a partition that does not exist."""
    from aiokafka.record.default_records import DefaultRecordBatchBuilder

    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1_000,
    )
    builder.append(0, timestamp=0, key=None, value=b"", headers=[])
    return bytes(builder.build())

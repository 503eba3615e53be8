"""What the worker has to be allowed to do, and what of it Kafka refuses.

Each permission is tried by the request that needs it, made so that it can have no effect: brokers look at the
permissions before they look at anything else. A running group is not disturbed, and nothing is written or made.

    Read on an input        Fetch of it from an offset that no topic reaches
    Read on the group       Heartbeat of a member that there is not; joining and committing need the same permission
    Write on an output      Produce to a partition that no topic has
    IdempotentWrite         InitProducerId, which takes one of the numbers that producers are told apart by
    Create                  CreateTopics that is only to be validated
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from worker.connection import principal
from worker.errors import BrokerError
from worker.settings import Settings

# Kafka's error codes.
TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED = 29, 30, 31

_BEYOND = 2**62
_NO_PARTITION = 2**31 - 1
_WAIT_MS = 5_000


@dataclass(frozen=True, slots=True)
class Permission:
    """An entry of Kafka's access lists."""

    operation: str
    resource: str
    """``topic``, ``group`` or ``cluster``."""
    name: str = ""

    def __str__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"{self.operation} the {self.resource}{named}"

    @property
    def flags(self) -> str:
        """The permission as ``kafka-acls`` takes it."""
        return f"--operation {self.operation} --{self.resource}" + (f" {self.name}" if self.name else "")


IDEMPOTENT_WRITE = Permission("IdempotentWrite", "cluster")


def needed(settings: Settings) -> list[Permission]:
    """Return what the worker of these settings has to be allowed, but for making topics."""
    return [
        *(Permission("Read", "topic", topic) for topic in settings.input_topics),
        Permission("Read", "group", settings.group_id),
        *(Permission("Write", "topic", topic) for topic in (settings.output_topic, settings.dead_letter_topic)),
        IDEMPOTENT_WRITE,
    ]


async def missing_permissions(settings: Settings, connection: Any) -> list[Permission]:
    """Try each permission; return those that are refused.

    What a broker does not know or tell is taken for allowed: a refusal is what Kafka itself calls one.

    Args:
        connection: an ``AIOKafkaConnection``, logged in, to any broker of the cluster.

    Raises:
        KafkaError: the broker does not answer.
    """
    missing = [permission for permission in needed(settings) if await _is_refused(connection, permission)]
    if any(permission.operation == "Write" for permission in missing):
        # Since Kafka 3.0 whoever may write to a topic may write idempotently, too.
        missing = [permission for permission in missing if permission != IDEMPOTENT_WRITE]
    return missing


async def missing_creations(settings: Settings, connection: Any, topics: Iterable[str]) -> list[Permission]:
    """Return which of these topics, which are not there, we may not make. Arguments and errors: as above."""
    from aiokafka.protocol.admin import CreateTopicsRequest

    count, replicas = settings.topic_partitions, settings.topic_replication
    wanted: list[Any] = [(topic, count, replicas, [], []) for topic in topics]
    answer = await _ask(connection, CreateTopicsRequest(wanted, _WAIT_MS, True))
    codes = {topic: code for topic, code, *_ in answer.topic_errors} if answer is not None else {}
    return [Permission("Create", "topic", topic) for topic, code in codes.items() if code == TOPIC_REFUSED]


async def check_permissions(settings: Settings, connection: Any) -> None:
    """Try each permission. Arguments as above.

    Raises:
        BrokerError: some are refused; it names them all.
    """
    missing = await missing_permissions(settings, connection)
    if missing:
        raise refusal(settings, missing)


def refusal(settings: Settings, missing: Iterable[Permission]) -> BrokerError:
    """Return the error that names us and what we may not."""
    permissions = [*missing]
    return BrokerError(
        f"{principal(settings)} may not {', nor '.join(map(str, permissions))}: allow it "
        f"(kafka-acls --add --allow-principal '{principal(settings)}' {permissions[0].flags}), "
        f"or log in as somebody who may"
    )


def refused(settings: Settings, error: BaseException) -> BrokerError | None:
    """Return a client's error as the error that names us and what we may not; None if it is none of permissions."""
    kind, names = type(error).__name__, _names(error)
    if kind == "TopicAuthorizationFailedError":
        topics = names or [*settings.topics]
        return refusal(settings, [_of_topic(settings, topic) for topic in topics])
    if kind == "GroupAuthorizationFailedError":
        return refusal(settings, [Permission("Read", "group", settings.group_id)])
    if kind == "ClusterAuthorizationFailedError":
        return refusal(settings, [IDEMPOTENT_WRITE])
    return None


def _of_topic(settings: Settings, topic: str) -> Permission:
    return Permission("Read" if topic in settings.input_topics else "Write", "topic", topic)


def _names(error: BaseException) -> list[str]:
    """The names in a client's error: none, one, or a set of them."""
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
    answer = await _ask(connection, request)
    return bool(set(_codes(answer)) & {TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED})


async def _ask(connection: Any, request: Any) -> Any:
    """The broker's answer; None if it does not know such a request."""
    from aiokafka.errors import IncompatibleBrokerVersion

    try:
        return await connection.send(request)
    except (IncompatibleBrokerVersion, NotImplementedError):
        return None


def _codes(answer: Any) -> list[int]:
    """The error codes of an answer: its own, or those of its partitions, where the code is the second field."""
    if answer is None:
        return []
    topics = getattr(answer, "topics", None)
    if topics is None:
        return [answer.error_code]
    return [partition[1] for _, partitions in topics for partition in partitions]


def _a_batch() -> bytes:
    """A batch of one record, which no partition takes."""
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

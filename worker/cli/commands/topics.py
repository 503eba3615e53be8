"""``topics``: make the topics that the settings name, and look at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from worker.cli.shared.console import stdout
from worker.cli.shared.flags import CONNECTION, TOPICS, Flags, with_flags
from worker.connection import client_options
from worker.diagnosis import check_connection, explained
from worker.errors import BrokerError, Code
from worker.permissions import TOPIC_REFUSED, Permission, creation, refusal
from worker.process import run_async
from worker.settings import Settings, load_settings

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

CONNECT_MILLISECONDS = 10_000
ALREADY_EXISTS = 36  # Kafka's error code

topics = typer.Typer(no_args_is_help=True, help="Make the topics that the settings name, or look at them.")

Named = Annotated[list[str] | None, typer.Argument(metavar="TOPIC", help="topics; default: those of the settings")]


@topics.command()
@with_flags(*CONNECTION, *TOPICS, "topic_partitions", "topic_replication")
def create(flags: Flags, names: Named = None) -> None:
    """Make input, output and dead letter topics where they are missing. One that is there stays as it is."""
    settings = load_settings(**flags)
    wanted = _wanted(settings, names)
    options = {"num_partitions": settings.topic_partitions, "replication_factor": settings.topic_replication}
    with _admin(settings, "Create") as admin:
        present = {topic["name"] for topic in admin.describe_topics(wanted) if topic["error_code"] == 0}
        new = [name for name in wanted if name not in present]
        answers = admin.create_topics(dict.fromkeys(new, options), raise_errors=False)["topics"] if new else []
    codes = {answer["name"]: answer["error_code"] for answer in answers}
    for name in wanted:
        if name in present or codes.get(name) == ALREADY_EXISTS:
            typer.echo(f"{name} is there already")
        elif codes.get(name) == 0:
            typer.echo(f"{name} made, {settings.topic_partitions} partitions")
        else:
            typer.echo(f"{name} not made")
    faults = [
        f"{answer['name']}: {answer['error_message'] or answer['error_code']}"
        for answer in answers
        if answer["error_code"] not in (0, ALREADY_EXISTS, TOPIC_REFUSED)
    ]
    _raise_faults(
        settings,
        [creation(name) for name, code in codes.items() if code == TOPIC_REFUSED],
        Code.TOPIC_NOT_CREATED,
        f"Kafka did not make {'; '.join(faults)}" if faults else "",
    )


@topics.command()
@with_flags(*CONNECTION, *TOPICS)
def describe(flags: Flags, names: Named = None) -> None:
    """Show partitions, replicas and events of each topic; exit code 1 if one is missing."""
    settings = load_settings(**flags)
    wanted = _wanted(settings, names)
    with _admin(settings, "Describe") as admin:
        answers = {topic["name"]: topic for topic in admin.describe_topics(wanted)}
        described = {name: topic for name, topic in answers.items() if topic["error_code"] == 0}
        events = {name: _events(admin, topic) for name, topic in described.items()}
    hidden = [name for name in wanted if name in answers and answers[name]["error_code"] == TOPIC_REFUSED]
    table = Table("topic", "partitions", "replicas", "in sync", "events", box=None, pad_edge=False)
    for name in wanted:
        if name not in described:
            table.add_row(name, "not to be seen" if name in hidden else "missing", style="red")
            continue
        partitions = described[name]["partitions"]
        replicas = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
        in_sync = min((len(partition["isr_nodes"]) for partition in partitions), default=0)
        table.add_row(name, str(len(partitions)), str(replicas), str(in_sync), f"{events[name]:,}")
    stdout().print(table)
    missing = [name for name in wanted if name not in described and name not in hidden]
    _raise_faults(
        settings,
        [Permission("Describe", "topic", name) for name in hidden],
        Code.TOPIC_MISSING,
        f"missing: {', '.join(missing)}; `sentiment-worker topics create` makes them" if missing else "",
    )


def _raise_faults(settings: Settings, refused: list[Permission], code: Code, fault: str) -> None:
    """Raise what we may not do and what else is wrong in one sentence, if there is anything."""
    faults = [str(refusal(settings, refused))] if refused else []
    if fault:
        faults.append(fault)
    if faults:
        raise BrokerError(Code.NOT_AUTHORISED if refused else code, "; ".join(faults))


def _wanted(settings: Settings, names: list[str] | None) -> list[str]:
    return names or [*settings.topics]


def _events(admin: "KafkaAdminClient", topic: dict[str, Any]) -> int:
    """Offsets between the oldest and the newest kept; a little more than the events, where a topic is compacted."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    partitions = [TopicPartition(topic["name"], partition["partition_index"]) for partition in topic["partitions"]]
    latest = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    earliest = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    return sum(latest[partition].offset - earliest[partition].offset for partition in partitions)


@contextmanager
def _admin(settings: Settings, operation: str) -> Iterator["KafkaAdminClient"]:
    """Give an admin client for an operation on topics, named as Kafka names it.

    Raises:
        BrokerError: the cluster cannot be reached, or refuses what was asked.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    run_async(check_connection(settings))
    try:
        admin = KafkaAdminClient(**client_options(settings), bootstrap_timeout_ms=CONNECT_MILLISECONDS)
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise run_async(explained(settings, error, operation)) from error

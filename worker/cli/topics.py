"""``topics``: make the topics that the settings name, and look at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from worker.cli.console import stdout
from worker.cli.flags import CONNECTION, TOPICS, Flags, with_flags
from worker.connection import client_options
from worker.diagnosis import check_connection, explained
from worker.errors import BrokerError
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
    with _admin(settings) as admin:
        answers = admin.create_topics(dict.fromkeys(wanted, options), raise_errors=False)["topics"]
    refused = []
    for answer in answers:
        if answer["error_code"] == 0:
            typer.echo(f"{answer['name']} made, {settings.topic_partitions} partitions")
        elif answer["error_code"] == ALREADY_EXISTS:
            typer.echo(f"{answer['name']} is there already")
        else:
            refused.append(f"{answer['name']}: {answer['error_message'] or answer['error_code']}")
    if refused:
        raise BrokerError(f"Kafka did not make {'; '.join(refused)}")


@topics.command()
@with_flags(*CONNECTION, *TOPICS)
def describe(flags: Flags, names: Named = None) -> None:
    """Show partitions, replicas and events of each topic; exit code 1 if one is missing."""
    settings = load_settings(**flags)
    wanted = _wanted(settings, names)
    with _admin(settings) as admin:
        described = {topic["name"]: topic for topic in admin.describe_topics(wanted) if topic["error_code"] == 0}
        events = {name: _events(admin, topic) for name, topic in described.items()}
    table = Table("topic", "partitions", "replicas", "in sync", "events", box=None, pad_edge=False)
    for name in wanted:
        if name not in described:
            table.add_row(name, "missing", style="red")
            continue
        partitions = described[name]["partitions"]
        replicas = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
        in_sync = min((len(partition["isr_nodes"]) for partition in partitions), default=0)
        table.add_row(name, str(len(partitions)), str(replicas), str(in_sync), f"{events[name]:,}")
    stdout().print(table)
    if missing := [name for name in wanted if name not in described]:
        raise BrokerError(f"missing: {', '.join(missing)}; `sentiment-worker topics create` makes them")


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
def _admin(settings: Settings) -> Iterator["KafkaAdminClient"]:
    """An admin client.

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
        raise run_async(explained(settings, error)) from error

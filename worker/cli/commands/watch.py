"""``watch``: what the worker answers, as it comes."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from worker.cli.shared.console import stderr, stdout
from worker.cli.shared.flags import CONNECTION, Flags, with_flags
from worker.cli.shared.rendering import dead_letter_json, dead_letter_line, event_json, event_line
from worker.connection import client_options
from worker.diagnosis import check_brokers, connected, explaining
from worker.permissions import present_topics
from worker.pointer import Pointer
from worker.process import run_async
from worker.settings import Settings, load_settings

WAIT_SECONDS = 0.5
"""Between two looks for a topic that is not there."""


class Start(StrEnum):
    """Where watching starts."""

    EARLIEST = "earliest"
    LATEST = "latest"


@with_flags(*CONNECTION, "output_topic", "dead_letter_topic", "isolation_level", "text_path")
def watch(
    flags: Flags,
    start: Annotated[Start, typer.Option("--from", help="the oldest event that is kept, or what comes now")] = (
        Start.LATEST
    ),
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="end after so many events")] = None,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="watch the dead letters instead, and why they are")
    ] = False,
) -> None:
    """Show enriched events as they arrive: coloured by polarity in a terminal, otherwise as lines of JSON.

    Reads without a consumer group: nobody's offsets move. Ctrl-C ends it.
    """
    settings = load_settings(**flags)
    console = stdout()
    topic = settings.dead_letter_topic if dead_letters else settings.output_topic
    text_path = Pointer.parse(settings.text_path)

    def show(record: Any) -> None:
        if not console.is_terminal:
            typer.echo(dead_letter_json(record) if dead_letters else event_json(record))
        else:
            console.print(dead_letter_line(record) if dead_letters else event_line(record, text_path), soft_wrap=True)

    run_async(_watch(settings, topic, start, count, show))


async def _watch(settings: Settings, topic: str, start: Start, count: int | None, show: Callable[[Any], None]) -> None:
    """Show ``count`` records of a topic, or all for ever.

    Raises:
        BrokerError: the broker cannot be reached, or there is no such topic.
    """
    from aiokafka import AIOKafkaConsumer

    await check_brokers(settings, every=False)  # which the client would try without end
    if await _wait_for(settings, topic):
        start = Start.EARLIEST  # all of it is new
    consumer = AIOKafkaConsumer(
        topic,
        **client_options(settings),
        group_id=None,
        auto_offset_reset=start.value,
        isolation_level=settings.isolation_level,
    )
    try:
        async with explaining(settings, "Read"):
            await consumer.start()
            if start is Start.LATEST:
                await consumer.seek_to_end()
            stderr().print(f"watching {topic} from {start} at {','.join(settings.bootstrap_servers)}", style="dim")
            shown = 0
            async for record in consumer:
                show(record)
                shown += 1
                if shown == count:
                    return
    finally:
        await consumer.stop()


async def _wait_for(settings: Settings, topic: str) -> bool:
    """Wait until there is this topic; returns whether that took any time.

    Raises:
        BrokerError: the broker cannot be reached, or does not let us read the topic.
    """
    waiting = False
    while True:
        # Asked before it is subscribed to, which would make it on a broker that makes topics by itself.
        async with connected(settings) as broker:
            if topic in await present_topics(settings, broker, [topic], "Read"):
                return waiting
        if not waiting:
            stderr().print(f"there is no topic {topic!r} yet: waiting for it", style="yellow")
        waiting = True
        await asyncio.sleep(WAIT_SECONDS)

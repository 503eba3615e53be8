"""The command ``demo``: broker, worker and sentences in; a summary that adds up, or exit code 1, out."""

import asyncio
import contextlib
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from worker.cli.commands.demo.process import PASSED_ON, WorkerProcess
from worker.cli.commands.demo.screen import Screen, batches, latencies
from worker.cli.commands.demo.tally import Tally
from worker.cli.shared.console import stdout
from worker.cli.shared.flags import Flags, with_flags
from worker.cli.shared.rendering import dead_letter_line, event_line
from worker.embedded import EmbeddedBroker, rated_sentences
from worker.pointer import Pointer
from worker.process import run_async
from worker.settings import Settings, load_settings

REFRESH_SECONDS = 0.2
TERMINATED = 143


@with_flags(*PASSED_ON)
def demo(
    flags: Flags,
    keep: Annotated[
        bool, typer.Option("--keep", help="leave broker and worker running for `send` and `watch`, until Ctrl-C")
    ] = False,
) -> None:
    """See the whole worker at work, with nothing else installed: a Kafka broker inside this process, 1,240 sentences
    that people rated, some broken events, and what becomes of each.
    """
    settings = load_settings(**flags)
    console = stdout()
    try:
        adds_up = run_async(_demo(settings, console, keep=keep))
    except asyncio.CancelledError:
        raise typer.Exit(TERMINATED) from None
    if not adds_up:
        raise typer.Exit(1)


async def _demo(settings: Settings, console: Console, *, keep: bool) -> bool:
    """Run it; returns whether every event was answered exactly once."""
    from worker.cli.commands.demo.stream import LEAD, events_of, read_back, send

    task = asyncio.current_task()
    if task is not None:  # so that a terminated demo takes its worker along
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    topics = Settings.model_construct()  # the demo's own topics and shapes are the defaults
    sentences = rated_sentences()
    events = events_of(sentences)
    tally = Tally({sentence.id: sentence for sentence in sentences})
    text_path = Pointer.parse(topics.text_path)
    lead = asyncio.Semaphore(LEAD)

    with EmbeddedBroker() as broker:
        bootstrap = broker.bootstrap_servers
        broker.create_topics(*topics.topics)
        console.print(f"Kafka     {bootstrap}, inside this process")
        console.print(f"model     {settings.model}, loading in a worker of its own ...")
        with WorkerProcess(settings, bootstrap) as worker:
            await worker.wait_ready()
            console.print(f"worker    ready; its counts: {worker.statistics_page}")
            console.print(f"sending   {len(events):,} events, a few of them broken\n")

            with Screen(console, tally, len(events)) as screen:

                def show(record: Any) -> None:
                    is_dead_letter = record.topic == topics.dead_letter_topic
                    line = dead_letter_line(record) if is_dead_letter else event_line(record, text_path)
                    screen.answer(line, always=is_dead_letter)

                async def refresh() -> None:
                    while True:
                        screen.counts(await worker.statistics())
                        await asyncio.sleep(REFRESH_SECONDS)

                async with asyncio.TaskGroup() as group:
                    asides = [group.create_task(refresh()), group.create_task(worker.wait_ended())]
                    group.create_task(send(bootstrap, topics.input_topics[0], events, tally, lead))
                    await read_back(bootstrap, topics, len(events), tally, lead, show)
                    for aside in asides:
                        aside.cancel()

            _summarise(console, tally, await worker.statistics())
            if keep:
                await _keep(console, bootstrap, worker)
    return tally.adds_up


def _summarise(console: Console, tally: Tally, statistics: dict[str, Any]) -> None:
    sign = "=" if tally.adds_up else "≠"
    kinds = ", ".join(f"{reason} {count}" for reason, count in sorted(tally.reasons.items()))
    sentiments = ", ".join(f"{count:,} {sentiment}" for sentiment, count in tally.sentiments.most_common())
    console.print(
        f"\n[bold]in {len(tally.sent):,} {sign} out {tally.outputs:,} + dead letters {tally.dead_letters:,}[/bold]"
        f"   (unanswered {tally.waiting}, repeated {tally.repeated})",
        style="green" if tally.adds_up else "red",
    )
    console.print(f"out           {sentiments}")
    console.print(f"dead letters  {kinds}")
    console.print(
        f"agreement     with the people who rated the sentences: {tally.two_way.share:.1%} on positive or negative "
        f"({tally.two_way.total:,} sentences), {tally.three_way.share:.1%} with neutral ({tally.three_way.total:,})"
    )
    console.print(f"speed         {tally.events_per_second:,.0f} events/s; {latencies(tally)}")
    console.print(f"batches       {batches(statistics)}")


async def _keep(console: Console, bootstrap: str, worker: WorkerProcess) -> None:
    command = _command()
    console.print(
        f"""
Left running. In another terminal:

    export SENTIMENT_BOOTSTRAP_SERVERS={bootstrap}
    {command} watch
    {command} watch --dead-letters
    echo '{{"text": "What a lovely day"}}' | {command} send

Ctrl-C ends it; the worker's log is {worker.log}.""",
        markup=False,
    )
    with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is how it is meant to end
        await worker.wait_ended()
    console.print("\nstopping the worker ...")


def _command() -> str:
    """How the user can call us again: by name where that works, by the path of the script where it does not."""
    name = "sentiment-worker"
    if shutil.which(name):
        return name
    script = Path(sys.argv[0])
    return str(script) if script.name == name else f"{sys.executable} -m worker.cli"

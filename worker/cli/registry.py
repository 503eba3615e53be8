"""The table of commands, in the order of the help."""

from collections.abc import Callable
from dataclasses import dataclass

import typer

from worker.cli.commands.classify import classify
from worker.cli.commands.config import config
from worker.cli.commands.dead_letters import dead_letters
from worker.cli.commands.demo import demo
from worker.cli.commands.doctor import doctor
from worker.cli.commands.evaluate import evaluate
from worker.cli.commands.run import run
from worker.cli.commands.schemas import schemas
from worker.cli.commands.send import send
from worker.cli.commands.topics import topics
from worker.cli.commands.train import train
from worker.cli.commands.watch import watch


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a group of them."""

    name: str
    runs: Callable[..., None] | typer.Typer
    prints_results: bool = False
    """Whether its results go to stdout and nowhere else. The others are done, or have an exit code, without it, too."""


COMMANDS = (
    Command("run", run),
    Command("demo", demo),
    Command("classify", classify, prints_results=True),
    Command("send", send),
    Command("watch", watch, prints_results=True),
    Command("dead-letters", dead_letters),
    Command("topics", topics),
    Command("train", train),
    Command("evaluate", evaluate, prints_results=True),
    Command("schemas", schemas, prints_results=True),
    Command("config", config, prints_results=True),
    Command("doctor", doctor),
)

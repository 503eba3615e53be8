"""The command line as a whole: what is common to all commands, and how errors reach the user."""

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from worker import __version__
from worker.cli.registry import COMMANDS
from worker.cli.shared.console import stderr
from worker.errors import Code, SettingError, WorkerError
from worker.settings_file import CONFIG_FILE_VARIABLE

log = logging.getLogger(__name__)

app = typer.Typer(
    name="sentiment-worker",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sentiment-worker {__version__}")
        raise typer.Exit


_PRINTS_RESULTS = {command.name for command in COMMANDS if command.prints_results}


@app.callback()
def common(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="read settings from this TOML file"),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks and the Kafka clients' logs")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Text events in from Kafka, sentiment out: batched through a resident classifier, nothing lost.

    Every setting of `run` can also be given as SENTIMENT_<NAME> in the environment or in sentiment-worker.toml.
    """
    if sys.stdout is None and context.invoked_subcommand in _PRINTS_RESULTS:
        raise SettingError(
            Code.STREAM_CLOSED,
            f"stdout is closed, and {context.invoked_subcommand} writes its results there: open it "
            "(`>FILE`, or `>/dev/null` for none)",
        )
    if debug:
        logging.basicConfig(level=logging.INFO)
        log.setLevel(logging.DEBUG)
    if config_file is not None:
        # Through the environment, so that processes started from here read the same file.
        os.environ[CONFIG_FILE_VARIABLE] = str(config_file)


for command in COMMANDS:
    if isinstance(command.runs, typer.Typer):
        app.add_typer(command.runs, name=command.name)
    else:
        app.command(command.name)(command.runs)


def _show_traceback() -> None:
    if log.isEnabledFor(logging.DEBUG):  # past the log, which the worker sets up its own way
        traceback.print_exc()


def main() -> int:
    """Run the command line; returns the exit code.

    0: done; 1: it failed, or some of the input did; 2: a flag or a setting is wrong; 130: interrupted.
    """
    # What a client logs of a broken connection is said once, by the error that ends the command. `run` sets up
    # logging and is not affected.
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).addHandler(logging.NullHandler())
    try:
        app(prog_name="sentiment-worker")
    except WorkerError as error:
        _show_traceback()
        stderr().print(f"sentiment-worker: {error.with_code}", style="red", markup=False)
        return 2 if isinstance(error, SettingError) else 1
    except Exception as error:
        _show_traceback()
        # The message of an unknown error may quote an event's text; its type does not.
        stderr().print(
            f"sentiment-worker: {type(error).__name__} where none should be, which is a bug: "
            "`sentiment-worker --debug ...` shows the traceback to report",
            style="red",
            markup=False,
        )
        return 1
    return 0

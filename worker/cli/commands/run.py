"""``run``: the worker itself."""

import sys

from worker import process
from worker.cli.shared.flags import Flags, with_flags
from worker.settings import load_settings


@with_flags()
def run(flags: Flags) -> None:
    """Read texts from Kafka, classify them, publish enriched events; stops cleanly on SIGTERM and Ctrl-C.

    Every flag can be given as SENTIMENT_<NAME>, too, or stand in sentiment-worker.toml.
    """
    settings = load_settings(**flags)  # a wrong flag is said before seconds are spent on imports

    # Told to stop before there is anything to stop, it ends at once. The worker has handlers of its own.
    process.end_at_signals(terminated=0, tidies_up=False)

    if sys.stdout is None:  # Faust refuses to log without it, although its log goes to stderr
        sys.stdout = sys.stderr

    from worker.run import run as run_worker

    run_worker(settings)

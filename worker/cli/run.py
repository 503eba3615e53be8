"""``run``: the worker itself."""

from worker.cli.flags import Flags, with_flags
from worker.settings import load_settings


@with_flags()
def run(flags: Flags) -> None:
    """Read texts from Kafka, classify them, publish enriched events; stops cleanly on SIGTERM and Ctrl-C.

    Every flag can be given as SENTIMENT_<NAME>, too, or stand in sentiment-worker.toml.
    """
    settings = load_settings(**flags)  # a wrong flag is said before seconds are spent on imports

    from worker.app import run as run_worker

    run_worker(settings)

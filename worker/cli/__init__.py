"""The command ``sentiment-worker``: ``registry.py`` lists what it can do."""

from typing import NoReturn

from worker import process


def main() -> NoReturn:
    """Run the command line and end the process with its exit code, see `worker.cli.app.main`."""
    process.open_standard_streams()
    process.end_at_signals()
    process.run_to_the_end(_command)


def _command() -> int:
    # Here, so that Ctrl-C while the libraries are read in is no traceback either.
    from worker.cli.app import main as run

    return run()


__all__ = ["main"]

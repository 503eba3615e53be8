"""The command ``sentiment-worker``, one file a command group."""

from worker.cli.commands import main

__all__ = ["main"]

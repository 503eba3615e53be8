"""``train``: a classifier of one's own."""

from worker.cli.commands.train.command import train

__all__ = ["train"]

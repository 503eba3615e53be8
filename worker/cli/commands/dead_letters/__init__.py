"""``dead-letters``: what could not be answered, listed, shown and replayed."""

from worker.cli.commands.dead_letters.command import dead_letters

__all__ = ["dead_letters"]

"""``classify``: texts without Kafka."""

from worker.cli.commands.classify.command import classify

__all__ = ["classify"]

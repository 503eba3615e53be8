"""``demo``: the whole worker on this machine, with a broker of its own and sentences that people rated."""

from worker.cli.commands.demo.command import demo

__all__ = ["demo"]

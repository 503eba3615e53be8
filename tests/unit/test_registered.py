"""Check that every module of a command or a backend is registered: one that is forgotten does nothing."""

from pathlib import Path

from worker.classifier.backends import registry as backends
from worker.cli import registry as commands

BESIDE_BACKENDS = {"conformance", "model_limits", "pretrained", "registry"}
"""Modules that backends share."""


def modules(registry: object, *folder: str) -> set[str]:
    place = Path(str(getattr(registry, "__file__"))).parent.joinpath(*folder)  # noqa: B009
    return {path.stem for path in place.iterdir() if path.stem.strip("_") and not path.name.startswith("__")}


def test_every_module_of_a_command_is_in_the_table_of_commands() -> None:
    assert {command.name.replace("-", "_") for command in commands.COMMANDS} == modules(commands, "commands")


def test_every_module_of_a_backend_is_in_the_registry() -> None:
    assert {*backends.BACKENDS} == modules(backends) - BESIDE_BACKENDS

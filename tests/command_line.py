"""The command line, run in this process as its script would run it: what it imports is there already."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from worker.cli.app import main
from worker.settings import ENV_PREFIX
from worker.settings_file import CONFIG_FILE_VARIABLE


class Ran(NamedTuple):
    """The end of a command, and the output before it."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The code of the error that ended it; empty where none did."""
        found = re.search(r" \[(\w+)\]\n\Z", self.err)
        return found[1] if found else ""

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Run(Protocol):
    """The fixture ``run``: a function that runs a command to its end."""

    def __call__(self, *arguments: object, settings: Mapping[str, object] = ...) -> Ran:
        """Run a command with these arguments, and with these settings in its environment."""


def leave_out_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take away the settings of whoever runs the tests, in the environment and in the working directory."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    # Set and taken back by monkeypatch, so that what --config writes does not outlive the test.
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, "")
    monkeypatch.setenv("COLUMNS", "160")


def runner(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what the fixture ``run`` gives."""

    def run(*arguments: object, settings: Mapping[str, object] | None = None) -> Ran:
        with pytest.MonkeyPatch.context() as own:
            for name, value in (settings or {}).items():
                own.setenv(f"{ENV_PREFIX}{name.upper()}", str(value))
            own.setattr(sys, "argv", ["sentiment-worker", *map(str, arguments)])
            capfd.readouterr()
            try:
                code = main()
            except SystemExit as leaving:
                code = int(leaving.code or 0)
            return Ran(code, *capfd.readouterr())

    return run

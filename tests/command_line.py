"""The command line, run in this process as its script would run it: what it imports is there already."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from worker.cli.commands import main
from worker.settings import ENV_PREFIX


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def leave_out_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take away the settings of whoever runs the tests, in the environment and in the working directory."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)


def run_in_process(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    """Run a command to its end."""
    monkeypatch.setattr(sys, "argv", ["sentiment-worker", *map(str, arguments)])
    capfd.readouterr()
    try:
        code = main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    return Ran(code, *capfd.readouterr())

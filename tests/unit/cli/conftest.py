"""The command line, run in this process as its script would run it."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from worker.cli.commands import main
from worker.embedded import EmbeddedBroker
from worker.settings import CONFIG_FILE_VARIABLE, Settings


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    """Neither the environment nor the folder of whoever runs the tests has a say."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SENTIMENT_{name.upper()}", raising=False)
    # Set and taken back by monkeypatch, so that what --config writes does not outlive the test.
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, "")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch, capfd) -> Run:
    def run_command(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["sentiment-worker", *arguments])
        capfd.readouterr()
        try:
            code = main()
        except SystemExit as leaving:
            code = leaving.code or 0
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run_command


@pytest.fixture
def broker(monkeypatch) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.create_topics("text-events", "sentiment-events", "text-events.dead-letters")
        monkeypatch.setenv("SENTIMENT_BOOTSTRAP_SERVERS", running.bootstrap_servers)
        yield running

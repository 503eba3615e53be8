"""The command line, run in this process as its script would run it."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from command_line import Ran, leave_out_settings, run_in_process

from worker.embedded import EmbeddedBroker
from worker.settings import CONFIG_FILE_VARIABLE

Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    """Neither the environment nor the folder of whoever runs the tests has a say."""
    leave_out_settings(monkeypatch, tmp_path)
    # Set and taken back by monkeypatch, so that what --config writes does not outlive the test.
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, "")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def run(monkeypatch, capfd) -> Run:
    return partial(run_in_process, monkeypatch, capfd)


@pytest.fixture
def broker(monkeypatch) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.create_topics("text-events", "sentiment-events", "text-events.dead-letters")
        monkeypatch.setenv("SENTIMENT_BOOTSTRAP_SERVERS", running.bootstrap_servers)
        yield running

"""One secured Kafka for the tests of this folder."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import Ran, leave_out_settings, run_in_process
from integration.client import Client
from integration.inputs import keyed
from integration.process import Worker
from integration.security.secured_kafka import SecuredKafka
from integration.topics import Topics

from worker.settings import ENV_PREFIX


@pytest.fixture(scope="package")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with SecuredKafka(tmp_path_factory.mktemp("certificates")) as kafka:
        yield kafka


@pytest.fixture(scope="package")
def administrator(secured: SecuredKafka) -> Iterator[Client]:
    """A client that may do everything."""
    client = Client(secured.bootstrap, real=True)
    yield client
    client.close()


@pytest.fixture
def topics(secured: SecuredKafka, administrator: Client) -> Topics:
    """Topics with a few events, and a group, which the user may use."""
    topics = Topics.new()
    administrator.create(topics.input, topics.output, topics.dead_letters)
    administrator.produce(topics.input, keyed(range(20)))
    secured.allow("read", "topic", topics.input)
    secured.allow("read", "group", topics.group)
    secured.allow("write", "topic", topics.output)
    secured.allow("write", "topic", topics.dead_letters)
    return topics


@pytest.fixture
def start(tiny_model: Path, tmp_path: Path, topics: Topics) -> Iterator[Callable[..., Worker]]:
    """Starts a worker between the topics with these settings besides; it does not outlive the test."""
    workers: list[Worker] = []

    def start_worker(settings: dict[str, object], **process: Any) -> Worker:
        settings = topics.settings(str(settings["bootstrap_servers"]), tiny_model) | settings
        workers.append(Worker(settings, tmp_path / f"worker-{len(workers)}.log", **process))
        return workers[-1]

    yield start_worker
    for worker in workers:
        worker.kill()


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Ran]:
    """Return a function that runs a command in this process with these settings."""

    def run(settings: Mapping[str, object], *arguments: str) -> Ran:
        leave_out_settings(monkeypatch, tmp_path)
        for name, value in settings.items():
            monkeypatch.setenv(f"{ENV_PREFIX}{name.upper()}", str(value))
        return run_in_process(monkeypatch, capfd, *arguments)

    return run

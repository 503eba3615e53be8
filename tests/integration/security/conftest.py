"""One secured Kafka for the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.client import Client
from integration.inputs import keyed
from integration.process import Worker
from integration.security.secured_kafka import SecuredKafka
from integration.topics import Topics


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

"""Fixtures of the integration tests: an independent client, topics of a test's own, workers that never outlive it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.client import Client
from integration.models import save_tiny_model
from integration.scene import Scene, scene_at


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier so small that the tests wait for Kafka alone."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def client(broker: Any) -> Iterator[Client]:
    client = Client(broker.bootstrap, real=broker.real)
    yield client
    client.close()


@pytest.fixture
def scene(broker: Any, client: Client, tiny_model: Path, tmp_path: Path) -> Iterator[Scene]:
    """Topics and workers of one test."""
    with scene_at(broker, client, tiny_model, tmp_path) as scene:
        yield scene


@pytest.fixture(scope="module")
def shared_scene(
    broker: Any, client: Client, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Topics and workers of the tests of one module."""
    with scene_at(broker, client, tiny_model, tmp_path_factory.mktemp("shared")) as scene:
        yield scene

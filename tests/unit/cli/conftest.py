"""Nobody's settings but the test's, and a broker within the process."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from command_line import Ran, Run

import worker.classifier
from worker.classifier import Classifier
from worker.classifier.load import load_classifier
from worker.embedded import EmbeddedBroker
from worker.settings import load_settings


@pytest.fixture(autouse=True)
def _no_settings(no_settings: None) -> None:
    """No test of the command line depends on who runs it."""


@pytest.fixture
def broker(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.create_topics("text-events", "sentiment-events", "text-events.dead-letters")
        monkeypatch.setenv("SENTIMENT_BOOTSTRAP_SERVERS", running.bootstrap_servers)
        yield running


@cache
def _bundled() -> Classifier:
    return load_classifier(load_settings(device="cpu"))


@pytest.fixture
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take the bundled classifier that was loaded first."""
    monkeypatch.setattr(worker.classifier, "load_classifier", lambda settings: _bundled(), raising=False)


@pytest.fixture
def classify(run: Run, tmp_path: Path) -> Callable[..., Ran]:
    """Classify the content of a file."""

    def classify_file(content: str | bytes, *arguments: str, name: str = "input") -> Ran:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return run("classify", "--file", str(file), *arguments)

    return classify_file

"""Nobody's settings but the test's, and a broker within the process."""

from collections.abc import Iterator

import pytest

from worker.embedded import EmbeddedBroker


@pytest.fixture(autouse=True)
def _no_settings(no_settings: None) -> None:
    """No test of the command line depends on who runs it."""


@pytest.fixture
def broker(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.create_topics("text-events", "sentiment-events", "text-events.dead-letters")
        monkeypatch.setenv("SENTIMENT_BOOTSTRAP_SERVERS", running.bootstrap_servers)
        yield running

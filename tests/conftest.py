"""Names the broker of a test, and guards what no test may do.

The broker is, in this order: the Kafka that SENTIMENT_TEST_BOOTSTRAP names; Kafka in a container, where Docker answers;
the embedded broker. Tests marked ``kafka`` need a real one: without it they are skipped with the reason, and fail with
CI=true.
"""

import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import docker
import pytest
from command_line import Run, leave_out_settings, runner
from docker.errors import DockerException
from hypothesis import settings
from integration.kafka_container import KafkaContainer

from worker.embedded.broker import EmbeddedBroker

# Machines are slow at times, and no test bounds the time that something takes.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# A process that a test starts is of this checkout, wherever it runs and whichever one is installed.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
)

SECRET = "the kettle sang about plum-coloured ledgers at noon"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a test's topics live."""

    bootstrap: str
    real: bool
    """Apache Kafka, not the embedded broker."""


@cache
def why_no_kafka() -> str | None:
    """Why tests of real Kafka cannot run here; None where they can."""
    if os.environ.get("SENTIMENT_TEST_BOOTSTRAP"):
        return None
    try:
        docker.from_env(timeout=5).ping()
    except DockerException:
        return "needs a real Kafka: neither does Docker answer nor does SENTIMENT_TEST_BOOTSTRAP name a broker"
    return None


def pytest_configure() -> None:
    # A SIGTERM, from a CI's time limit say, unwinds the fixtures as Ctrl-C does: containers and workers go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("kafka") is not None and (reason := why_no_kafka()):
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for the whole session; every test has topics of its own."""
    if named := os.environ.get("SENTIMENT_TEST_BOOTSTRAP"):
        yield Broker(named, real=True)
    elif why_no_kafka() is None:
        with KafkaContainer() as kafka:
            yield Broker(kafka.bootstrap, real=True)
    else:
        with EmbeddedBroker() as embedded:
            yield Broker(embedded.bootstrap_servers, real=False)


@pytest.fixture
def secret_text() -> str:
    """A text that no log may contain: a test that sends it fails if one does."""
    return SECRET


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor the folder of whoever runs the tests has a say: the test gets an empty folder."""
    leave_out_settings(monkeypatch, tmp_path)


@pytest.fixture
def run(no_settings: None, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process, in an empty folder, without anybody's settings."""
    return runner(capfd)


class _TellTale(logging.Handler):
    """Notes who logs the secret text, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(message)s"))
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if SECRET in self.format(record):
            self.told.append(f"{record.name} at {record.levelname.lower()}")


@pytest.fixture(autouse=True)
def _no_text_in_a_log() -> Iterator[None]:
    tell_tale = _TellTale()
    logging.getLogger().addHandler(tell_tale)
    yield
    logging.getLogger().removeHandler(tell_tale)
    assert not tell_tale.told, f"an event's text was logged by {', '.join(tell_tale.told)}"

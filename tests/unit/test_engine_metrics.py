"""The metrics that the engine fills or is asked for."""

from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from worker.delivery.ledger import Partition
from worker.engine import Engine
from worker.fetch import Fetch
from worker.observability.telemetry import Telemetry
from worker.settings import load_settings


class Shown:
    """An engine without a pipeline, and what its metrics show."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registry = CollectorRegistry()
        self.engine = Engine(load_settings(), lambda _: None, Telemetry(self.registry), positions_known=lambda: True)  # type: ignore[arg-type, return-value]
        monkeypatch.setattr(self.engine, "add_future", lambda coroutine: coroutine.close())
        monkeypatch.setattr("worker.engine.time.monotonic", lambda: 100.0)
        self.engine.session.joined(self.engine.session.now())

    def __getitem__(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"sentiment_worker_{name}")

    def receive(self, partition: int, arrived: float) -> Fetch:
        fetch = Fetch("texts", partition, [SimpleNamespace(offset=0)], 1, arrived)
        self.engine.ledger.open(fetch)
        return fetch


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    return Shown(monkeypatch)


def test_a_worker_without_a_model_is_alive_and_not_ready(shown: Shown) -> None:
    assert (shown["alive"], shown["ready"]) == (1, 0)
    assert shown["model_load_seconds"] is None
    assert shown["batch_token_limit"] is None


def test_a_worker_that_is_broken_is_neither(shown: Shown) -> None:
    shown.engine._pipeline = SimpleNamespace(  # type: ignore[assignment]
        failure=ValueError(), draining=False, stalled_for=lambda: 0.0
    )
    assert (shown["alive"], shown["ready"]) == (0, 0)


def test_partitions_are_shown_as_long_as_they_are_the_workers(shown: Shown) -> None:
    assert shown["assigned_partitions"] == 0
    shown.engine.on_assigned({("texts", 0), ("texts", 1)})
    assert (shown["assigned_partitions"], shown["assignments_total"], shown["session_losses_total"]) == (2, 1, 0)
    shown.engine.session.lost()
    shown.engine._look_at_the_session()
    assert (shown["assigned_partitions"], shown["session_losses_total"]) == (0, 1)
    shown.engine.on_assigned({("texts", 0)})
    assert (shown["assigned_partitions"], shown["assignments_total"]) == (1, 2)
    shown.engine.on_revoked({("texts", 0)})
    assert (shown["assigned_partitions"], shown["session_losses_total"]) == (0, 1)


def test_the_oldest_fetch_that_is_not_acknowledged_tells_its_age(shown: Shown) -> None:
    assert shown["oldest_uncommitted_seconds"] == 0
    older, newer = shown.receive(0, arrived=60.0), shown.receive(1, arrived=90.0)
    assert shown["oldest_uncommitted_seconds"] == 40
    for fetch, age in ((older, 10), (newer, 0)):
        (completed,) = shown.engine.ledger.complete(fetch, [0])
        shown.engine.ledger.acknowledge(completed)
        assert shown["oldest_uncommitted_seconds"] == age


def test_a_partition_that_cannot_be_written_to_tells_for_how_long(shown: Shown) -> None:
    assert shown["produce_stalled_seconds"] == 0
    shown.engine._publisher = SimpleNamespace(failing_for=lambda now: now - 80.0)  # type: ignore[assignment]
    assert shown["produce_stalled_seconds"] == 20


def test_what_an_open_transaction_holds_back_is_shown_by_partition(shown: Shown) -> None:
    shown.engine.note_stalled({Partition("texts", 1): 7})
    assert dict(shown.engine.metrics.stalled_offsets.values()) == {("texts", "1"): 7}
    shown.engine.note_stalled({})
    assert dict(shown.engine.metrics.stalled_offsets.values()) == {}

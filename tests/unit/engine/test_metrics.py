"""The metrics that the engine fills or is asked for."""

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from unit.engine.engines import Clock, engine_of, pipeline

from worker.delivery.ledger import Partition
from worker.fetch import Fetch


class Shown:
    """An engine, and what its metrics show at 100 s."""

    def __init__(self, serving: Any = None) -> None:
        self.registry = CollectorRegistry()
        clock = Clock()
        clock.now = 100.0
        self.engine = engine_of(serving, clock=clock, registry=self.registry)
        self.engine.session.joined(clock.now)

    def __getitem__(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"sentiment_worker_{name}")

    def receive(self, partition: int, arrived: float) -> Fetch:
        fetch = Fetch("texts", partition, [SimpleNamespace(offset=0)], 1, arrived)
        self.engine.ledger.open(fetch)
        return fetch


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_a_worker_without_a_model_is_alive_and_not_ready(shown: Shown) -> None:
    assert (shown["alive"], shown["ready"]) == (1, 0)
    assert shown["model_load_seconds"] is None
    assert shown["batch_token_limit"] is None


def test_a_worker_that_is_broken_is_neither() -> None:
    shown = Shown(pipeline(failure=ValueError()))
    assert (shown["alive"], shown["ready"]) == (0, 0)


def test_partitions_are_shown_as_long_as_they_are_the_workers(shown: Shown) -> None:
    assert shown["assigned_partitions"] == 0
    shown.engine.on_assigned({("texts", 0), ("texts", 1)})
    assert (shown["assigned_partitions"], shown["assignments_total"], shown["session_losses_total"]) == (2, 1, 0)
    shown.engine.session.lost()
    shown.engine.look_at_the_session()
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
    assert Shown(pipeline(unwritable_for=lambda: 20.0))["produce_stalled_seconds"] == 20


def test_what_an_open_transaction_holds_back_is_shown_by_partition(shown: Shown) -> None:
    shown.engine.note_stalled({Partition("texts", 1): 7})
    assert dict(shown.engine.metrics.stalled_offsets.values()) == {("texts", "1"): 7}
    shown.engine.note_stalled({})
    assert dict(shown.engine.metrics.stalled_offsets.values()) == {}

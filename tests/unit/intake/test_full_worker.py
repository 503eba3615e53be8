"""A worker that is full does not poll, and stays in its group all the same."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.group import HeartbeatRequest
from event_loop import in_a_loop

from worker.app import create_app
from worker.settings import load_settings

DAY = 86_400.0


async def ignore(_: object) -> None:
    """Take what the consumer calls back with, and do nothing."""


@in_a_loop
async def test_a_worker_that_was_full_for_a_month_stays_in_the_group_and_can_join_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(load_settings())
    made: Any = app.transport.create_consumer(ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore)
    consumer = made._thread._create_worker_consumer(app.transport)
    coordinator = GroupCoordinator(
        consumer._client,
        consumer._subscription,
        heartbeat_interval_ms=1,
        retry_backoff_ms=1,
        enable_auto_commit=False,
        assignors=[],
        max_poll_interval_ms=consumer._max_poll_interval_ms,
    )
    monkeypatch.setattr(SubscriptionState, "fetcher_idle_time", 30 * DAY)
    coordinator.coordinator_id, coordinator.generation, coordinator.member_id = 1, 3, "member"
    asked: list[type] = []
    enough = asyncio.Event()

    async def send(request: Any) -> Any:
        asked.append(type(request))
        if len(asked) == 3:
            enough.set()
        return SimpleNamespace(error_code=0)

    async def join(_: Any) -> bool:
        asked.append(bool)
        return False

    coordinator._send_req, coordinator._do_rejoin_group = send, join
    try:
        coordinator._start_heartbeat_task()
        await enough.wait()
        assert set(asked) == {HeartbeatRequest}
        await coordinator.ensure_active_group(None, SimpleNamespace(tps=frozenset()))
        assert asked[-1] is bool, "it does not join again"
    finally:
        coordinator.generation = 0
        await coordinator.close()
        await consumer._client.close()

"""A broker that does not answer keeps nobody, and another one is asked next."""

import asyncio
from collections.abc import Set
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, NoBrokersAvailable, RequestTimedOutError

from worker.intake import topic_ids as module
from worker.intake.topic_ids import TopicId, topic_ids

NODES = (1, 2, 3)


class Client:
    """aiokafka's, of brokers of which some do not answer and some cannot be reached."""

    def __init__(self, *, silent: Set[int] = frozenset(), gone: Set[int] = frozenset(), nodes: Any = NODES) -> None:
        self._silent, self._gone = silent, gone
        self.cluster = SimpleNamespace(brokers=lambda: [SimpleNamespace(nodeId=node) for node in nodes])
        self.asked: list[int] = []

    async def send(self, node: int, _: Any, *, group: Any) -> Any:
        self.asked.append(node)
        if node in self._silent:
            await asyncio.Event().wait()
        if node in self._gone:
            raise KafkaConnectionError
        return SimpleNamespace(cluster_id="c", topics=[(0, "texts", b"\1" * 16, False, [(0, 0, 1)], 0, {})])


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.01)


def test_a_broker_that_does_not_answer_is_given_up_with_an_error_that_is_retried() -> None:
    with pytest.raises(RequestTimedOutError) as error:
        asyncio.run(topic_ids(Client(silent={*NODES}), ["texts"]))
    assert error.value.retriable


def test_the_coordinator_that_does_not_answer_is_given_up_too() -> None:
    with pytest.raises(RequestTimedOutError):
        asyncio.run(topic_ids(Client(silent={2}), ["texts"], node=2))


@pytest.mark.parametrize("trouble", ["silent", "gone"])
def test_another_broker_is_asked_after_one_that_did_not_answer(trouble: str) -> None:
    async def ask() -> None:
        client = Client(**{trouble: {1, 2}})
        for _ in range(20):
            try:
                found = await topic_ids(client, ["texts"])
            except (RequestTimedOutError, KafkaConnectionError):
                continue
            assert isinstance(found.ids["texts"], TopicId)
        assert all(one != next_one for one, next_one in zip(client.asked, client.asked[1:], strict=False) if one != 3)
        assert 3 in client.asked

    asyncio.run(ask())


def test_who_knows_no_broker_says_so() -> None:
    with pytest.raises(NoBrokersAvailable):
        asyncio.run(topic_ids(Client(nodes=()), ["texts"]))

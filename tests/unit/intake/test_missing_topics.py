"""Missing topics are made by whoever can make them, and who cannot is told of in a sentence."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from error_codes import raises_code

from worker.embedded.broker import EmbeddedBroker
from worker.errors import BrokerError, Code
from worker.intake import topics
from worker.settings import Settings

WANTED = ("text-events", "sentiment-events", "text-events.dead-letters")
UNKNOWN_TOPIC = 3


class Admin:
    """A cluster as the admin client shows it; without a controller, aiokafka's client fails as this one does."""

    def __init__(self, *, controller: int = 1, makes_named_topics: bool = False) -> None:
        self.controller = controller
        self.makes_named_topics = makes_named_topics
        self.present: list[str] = []

    def __call__(self, **_: Any) -> "Admin":
        return self

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def list_topics(self) -> list[str]:
        return self.present

    async def describe_cluster(self) -> dict[str, Any]:
        return {"controller_id": self.controller, "brokers": [{"node_id": 1}, {"node_id": 2}]}

    async def create_topics(self, wanted: list[Any]) -> Any:
        if self.controller not in (1, 2):
            raise AttributeError("'NoneType' object has no attribute 'nodeId'")
        self.present += [topic.name for topic in wanted]
        return SimpleNamespace(topic_errors=[(topic.name, 0, None) for topic in wanted])

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        if self.makes_named_topics:
            self.present += names
        return [{"topic": name, "error_code": 0 if name in self.present else UNKNOWN_TOPIC} for name in names]


def ensure(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", admin)
    asyncio.run(topics.ensure_topics(Settings(), {}))


def test_the_controller_is_asked_for_missing_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Admin()
    ensure(admin, monkeypatch)
    assert set(admin.present) == set(WANTED)


def test_where_none_can_be_asked_topics_are_made_by_naming_them(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Admin(controller=-1, makes_named_topics=True)
    ensure(admin, monkeypatch)
    assert set(admin.present) == set(WANTED)


def test_a_cluster_without_a_controller_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with raises_code(BrokerError, Code.TOPIC_NOT_CREATED) as raised:
        ensure(Admin(controller=-1), monkeypatch)
    assert "'text-events'" in str(raised.value)
    assert "no controller" in str(raised.value)


def test_a_bug_of_ours_is_not_taken_for_a_broker_without_a_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise AttributeError("a typo")

    monkeypatch.setattr(topics, "_new", broken)
    with pytest.raises(AttributeError, match="a typo"):
        ensure(Admin(), monkeypatch)


def test_the_embedded_broker_has_the_topics_afterwards() -> None:
    with EmbeddedBroker() as broker:
        connection = {"bootstrap_servers": broker.bootstrap_servers}
        asyncio.run(topics.ensure_topics(Settings(), connection))
        asyncio.run(topics.ensure_topics(Settings(missing_topics="fail"), connection))

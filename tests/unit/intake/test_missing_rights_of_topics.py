"""A cluster's answers about the topics to be made."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from error_codes import raises_code

from worker.errors import BrokerError, Code
from worker.intake import topics
from worker.settings import Settings


class Cluster:
    """An admin client of a cluster that has no topics, and refuses those of ``codes``."""

    def __init__(self, codes: dict[str, int]) -> None:
        self._codes = codes

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def list_topics(self) -> list[str]:
        return []

    async def describe_cluster(self) -> dict[str, Any]:
        return {"controller_id": 1, "brokers": [{"node_id": 1}]}

    async def create_topics(self, new: list[Any]) -> Any:
        return SimpleNamespace(topic_errors=[(topic.name, self._codes.get(topic.name, 0), "") for topic in new])


def test_all_topics_that_we_may_not_make_are_named_with_the_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    codes = {settings.output_topic: 29, settings.dead_letter_topic: 29}
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", lambda **_: Cluster(codes))
    with raises_code(BrokerError, Code.NOT_AUTHORISED) as raised:
        asyncio.run(topics.ensure_topics(settings, {}))
    assert str(raised.value).startswith(
        f"User:ANONYMOUS may not Create the topic '{settings.output_topic}', "
        f"nor Create the topic '{settings.dead_letter_topic}': allow it"
    )

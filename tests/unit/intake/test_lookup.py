"""A broker that does not answer keeps nobody from knowing the answers of the others."""

import asyncio
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata

from worker.intake import lookup
from worker.intake.lookup import LookUp, look_up
from worker.intake.topic_ids import TopicId, TopicIds

A, B, C = (TopicPartition("texts", number) for number in range(3))
TOPIC, FORMER = TopicId("cluster", "topic"), TopicId("cluster", "former")
UNKNOWN, NEW_CODE, REFUSED = -1, 120, 29


class Cluster:
    """Each partition has a leader of its own number, and a log from 10 to 20; ``codes`` says what goes wrong."""

    def __init__(
        self,
        *,
        silent: Collection[int] = (),
        codes: Mapping[int, int] | None = None,
        omitted: Collection[int] = (),
        committed: Mapping[TopicPartition, str] | None = None,
        errors: Mapping[str, KafkaError] | None = None,
    ) -> None:
        self.silent, self.codes, self.omitted, self.errors = silent, codes or {}, omitted, errors or {}
        self.cluster = SimpleNamespace(leader_for_partition=lambda target: target.partition)
        self.committed = {target: OffsetAndMetadata(15, text) for target, text in (committed or {}).items()}
        self._client, self._coordinator, self._isolation_level = self, self, "read_committed"

    def force_metadata_update(self) -> None: ...

    async def fetch_committed_offsets(self, targets: Collection[TopicPartition]) -> dict[TopicPartition, Any]:
        return {target: mark for target, mark in self.committed.items() if target in targets}

    async def send(self, leader: int, request: Any, *, group: Any) -> Any:
        if leader in self.silent:
            await asyncio.Event().wait()
        topics = [
            (topic, [(number, self.codes.get(number, 0), -1, 10 if time == -2 else 20) for number, time in partitions])
            for topic, partitions in request._topics
            if leader not in self.omitted
        ]
        return SimpleNamespace(topics=topics)

    def look_up(self, *targets: TopicPartition, time_ms: int | None = None) -> LookUp:
        return asyncio.run(look_up(self, targets, time_ms))


@pytest.fixture(autouse=True)
def _topic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ids(client: Cluster, topics: Collection[str]) -> TopicIds:
        return TopicIds(dict.fromkeys(topics, TOPIC), frozenset(), dict.fromkeys(topics, 3), dict(client.errors))

    monkeypatch.setattr(lookup, "topic_ids", ids)
    monkeypatch.setattr(lookup, "ANSWER_SECONDS", 0.05)


@pytest.mark.parametrize(
    "trouble",
    [{"silent": {1}}, {"codes": {1: UNKNOWN}}, {"codes": {1: NEW_CODE}}, {"codes": {1: 6}}, {"omitted": {1}}],
    ids=["silent", "unknown error", "an error that aiokafka does not know", "another leader", "left out"],
)
@pytest.mark.parametrize("time_ms", [None, 5])
def test_the_partitions_of_other_brokers_are_found(trouble: dict[str, Any], time_ms: int | None) -> None:
    found = Cluster(**trouble).look_up(A, B, C, time_ms=time_ms)
    assert found.found.keys() == {A, C}
    assert found.found[A].log.start == 10
    assert found.unknown.keys() == {B}
    assert found.unknown[B].startswith("the broker does not say where partitions begin and end: ")


def test_who_may_not_read_a_topic_is_told() -> None:
    with pytest.raises(TopicAuthorizationFailedError, match="texts"):
        Cluster(codes={1: REFUSED}).look_up(A, B)
    with pytest.raises(TopicAuthorizationFailedError, match="texts"):
        Cluster(errors={"texts": TopicAuthorizationFailedError("texts")}).look_up(A, B)


def test_a_topic_of_which_the_broker_says_nothing_is_not_known() -> None:
    assert Cluster(errors={"texts": KafkaError("later")}).look_up(A).unknown == {
        A: "the broker says nothing of topic texts: KafkaError: later"
    }


def test_a_partition_that_was_late_when_the_group_began_is_not_taken_for_an_added_one() -> None:
    of_three = f"{TOPIC.as_metadata()} partitions=3"
    assert Cluster(committed={A: of_three, B: of_three}).look_up(C).found[C].partitions_at_first == 3
    of_two = f"{TOPIC.as_metadata()} partitions=2"
    assert Cluster(committed={A: of_two, B: of_two}).look_up(C).found[C].partitions_at_first == 2


def test_how_many_partitions_a_former_topic_of_that_name_had_does_not_matter() -> None:
    of_former = f"{FORMER.as_metadata()} partitions=1"
    assert Cluster(committed={A: of_former}).look_up(B).found[B].partitions_at_first == 3

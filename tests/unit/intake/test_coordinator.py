"""The committed offsets, and the answer of a member whose name was taken."""

import asyncio
import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import CommitFailedError, GroupCoordinatorNotAvailableError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from worker.delivery.group_session import GroupSession
from worker.group_refusals import OFFSET_METADATA_TOO_LARGE
from worker.intake.coordinator import Coordinator, ReadOffset
from worker.intake.source import Source
from worker.intake.static_member import FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, NamedHeartbeat, error_codes, is_named
from worker.intake.topic_ids import TopicId, TopicIds

TEXTS = TopicPartition("texts", 0)
OLD, NEW = TopicId("cluster", "old"), TopicId("cluster", "new")


class Scene:
    """A coordinator of ours without a broker: ``answers`` says what is answered to a request, ``sent`` what was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, topic: TopicId | None, name: str | None = None) -> None:
        self.sent: list[Any] = []
        self.committed: list[dict[TopicPartition, OffsetAndMetadata]] = []
        self.fenced: list[str] = []
        self.refused: list[tuple[str, int]] = []
        self.session = GroupSession(60.0, time.monotonic)
        self.session.joined(self.session.now())
        self.fresh_when_fenced: list[bool] = []
        self.answers: Any = lambda _: SimpleNamespace(error_code=0)
        self.sources: dict[TP, Source] = {}
        self.doubted: set[TP] = set()
        self.topics = TopicIds({"texts": topic} if topic else {}, frozenset() if topic else frozenset({"texts"}))
        self.coordinator = object.__new__(GroupCoordinator)
        self.coordinator.__dict__.update(
            _client=None, coordinator_id=1, _group_instance_id=name, group_id="g", generation=3, member_id="w-1"
        )
        places = SimpleNamespace(source=self.sources.get, doubt_from_thread=lambda tp, source: self.doubted.add(tp))
        Coordinator.adopt(self.coordinator, places, self.session, self.on_fenced, self.on_refused, patience=0.0)  # type: ignore[arg-type]

        async def send(_: Any, request: Any) -> Any:
            self.sent.append(request)
            return self.answers(request)

        async def commit(_: Any, __: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
            if offsets:
                self.committed.append(offsets)

        async def ids(*_: Any, **__: Any) -> TopicIds:
            return self.topics

        monkeypatch.setattr(GroupCoordinator, "_send_req", send)
        monkeypatch.setattr(GroupCoordinator, "_do_commit_offsets", commit)
        monkeypatch.setattr("worker.intake.coordinator.topic_ids", ids)

    def on_fenced(self, name: str) -> None:
        self.fenced.append(name)
        self.fresh_when_fenced.append(self.session.is_fresh)

    def on_refused(self, request: str, code: int) -> None:
        self.refused.append((request, code))

    def read(self, topic_id: TopicId | None) -> Source:
        source = self.sources[TP(*TEXTS)] = Source(object(), topic_id)
        return source

    async def commit(self, offset: int) -> None:
        await self.coordinator._do_commit_offsets(None, {TEXTS: OffsetAndMetadata(offset, "")})


def test_an_offset_is_committed_with_the_id_of_its_topic_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, topic=NEW)
    source = scene.read(NEW)
    for offset in (7, 7, 9):
        asyncio.run(scene.commit(ReadOffset(offset, source)))
    assert scene.committed == [{TEXTS: (7, NEW.as_metadata())}, {TEXTS: (9, NEW.as_metadata())}]


@pytest.mark.parametrize("topic", [NEW, None], ids=["recreated", "missing"])
def test_an_offset_of_a_topic_that_is_gone_is_not_committed(
    monkeypatch: pytest.MonkeyPatch, topic: TopicId | None
) -> None:
    scene = Scene(monkeypatch, topic=topic)
    asyncio.run(scene.commit(ReadOffset(7, scene.read(OLD))))
    assert scene.committed == []
    assert scene.doubted == {TP(*TEXTS)}


def test_an_offset_of_an_earlier_reading_is_not_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, topic=NEW)
    late = ReadOffset(7, scene.read(NEW))
    scene.read(NEW)
    asyncio.run(scene.commit(late))
    assert scene.committed == []


def test_offsets_of_other_topics_are_committed_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, topic=NEW)
    asyncio.run(scene.commit(7))
    assert scene.committed == [{TEXTS: (7, "")}]


def test_offsets_are_committed_without_metadata_where_the_brokers_take_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commit = GroupCoordinator._do_commit_offsets
    scene = Scene(monkeypatch, topic=NEW)
    monkeypatch.setattr(GroupCoordinator, "_do_commit_offsets", commit)
    limit = 20
    committed: list[tuple[int, str]] = []

    def store(request: OffsetCommitRequest) -> Any:
        ((topic, ((number, offset, metadata),)),) = request._topics
        fits = len(metadata) <= limit
        if fits:
            committed.append((offset, metadata))
        return SimpleNamespace(topics=[(topic, [(number, 0 if fits else OFFSET_METADATA_TOO_LARGE)])])

    scene.answers = store
    source = scene.read(NEW)
    for offset in (7, 7, 9):
        asyncio.run(scene.commit(ReadOffset(offset, source)))
    assert committed == [(7, ""), (9, "")]
    assert len(scene.sent) == 3, "the text is tried once, and nothing is committed twice"
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.name == "worker.intake.coordinator", "aiokafka has nothing to say"
    assert "raise offset.metadata.max.bytes" in line.getMessage()
    assert scene.refused == []


def answer(codes: dict[type, int]) -> Any:
    return lambda request: SimpleNamespace(error_code=codes.get(type(request), 0))


async def heartbeat(scene: Scene) -> Any:
    scene.coordinator._closing = asyncio.get_running_loop().create_future()
    sending = asyncio.ensure_future(scene.coordinator._send_req(HeartbeatRequest("g", 3, "w-1")))
    await asyncio.wait([sending], timeout=0.05)
    return sending


def test_a_member_whose_name_was_taken_says_so_and_neither_joins_nor_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        scene = Scene(monkeypatch, topic=NEW, name="w")
        scene.answers = answer({HeartbeatRequest: UNKNOWN_MEMBER_ID, NamedHeartbeat: FENCED_INSTANCE_ID})
        beating = await heartbeat(scene)
        assert not beating.done(), "until the consumer is closed"
        assert scene.fenced == ["w"]
        assert scene.fresh_when_fenced == [False], "the senders would send what is queued"
        assert not scene.session.was_lost, "there is a sentence for it already"
        sent = len(scene.sent)
        with pytest.raises(CommitFailedError, match="already rebalanced"):
            await scene.coordinator._send_req(OffsetCommitRequest("g", 3, "w-1", -1, []))
        joining = asyncio.ensure_future(scene.coordinator._send_req(JoinGroupRequest("g", 1, 1, "", "w", "p", [])))
        await asyncio.sleep(0)
        scene.coordinator._closing.set_result(None)
        for waiting in (beating, joining):
            with pytest.raises(GroupCoordinatorNotAvailableError):
                await waiting
        assert len(scene.sent) == sent

    asyncio.run(play())


@pytest.mark.parametrize("name", [None, "w"])
def test_a_member_whose_session_ended_joins_again(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    async def play() -> None:
        scene = Scene(monkeypatch, topic=NEW, name=name)
        scene.answers = answer({HeartbeatRequest: UNKNOWN_MEMBER_ID, NamedHeartbeat: UNKNOWN_MEMBER_ID})
        assert (await (await heartbeat(scene))).error_code == UNKNOWN_MEMBER_ID
        assert scene.fenced == []

    asyncio.run(play())


def test_error_codes_are_found_in_each_answer() -> None:
    assert error_codes(SimpleNamespace(error_code=25)) == {25}
    commits = [("a", [(0, 0), (1, 25)]), ("b", [(0, 82)])]
    fetched = [("a", [(0, 82, "metadata", 0)])]
    assert error_codes(SimpleNamespace(topics=commits)) == {0, 25, 82}
    assert error_codes(SimpleNamespace(topics=fetched)) == {0}
    assert error_codes(SimpleNamespace(error_code=0, topics=commits)) == {0, 25, 82}


def test_an_id_that_the_broker_made_for_a_name_is_told() -> None:
    made = "-0f7d8a2e-1111-4222-8333-444455556666"
    assert is_named(f"w-1{made}", "w-1")
    assert not is_named(f"w-1{made}", "w")
    assert not is_named(f"w-10{made}", "w-1")

"""Each error code that a group's coordinator can answer is asked again, or ends the worker with a sentence."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)
from aiokafka.protocol.group import SyncGroupRequest
from aiokafka.structs import OffsetAndMetadata

from worker.delivery.group_session import GroupSession
from worker.errors import Code, SettingError, WorkerError
from worker.group_refusals import SENTENCES, group_refusal, is_final, is_refusal
from worker.intake import consumer
from worker.intake.coordinator import Coordinator

TEXTS = TopicPartition("texts", 0)
UNHEARD_OF = 999
#: REBALANCE_IN_PROGRESS, as Kafka answers a JoinGroup that it could not store in time.
REPLICATION_TIMED_OUT = 27
#: The codes that Kafka's sources name for the answers to members of a group, and one that none does.
ANSWERS = {
    "JoinGroup": (-1, 14, 15, 16, 23, 24, 25, 26, 27, 30, 35, 42, 79, 81, 82, 110, 111, 112, UNHEARD_OF),
    "SyncGroup": (-1, 15, 16, 22, 23, 24, 25, 27, 30, 35, 42, 82, UNHEARD_OF),
    "Heartbeat": (-1, 15, 16, 22, 24, 25, 27, 30, 35, 42, 82, UNHEARD_OF),
    "OffsetCommit": (
        *(-1, 3, 7, 12, 14, 15, 16, 22, 24, 25, 27, 28, 29, 30),
        *(35, 42, 82, 110, 113, UNHEARD_OF),
    ),
    "OffsetFetch": (-1, 3, 14, 15, 16, 24, 25, 29, 30, 35, 42, 88, 110, 113, UNHEARD_OF),
}
#: Errors after which aiokafka, Faust or our look-up asks again, or joins again.
ASKED_AGAIN = (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError)
PERMISSIONS = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)
SETTINGS = (
    *("group_id", "group_instance_id", "session_timeout", "group.max.size", "offset.metadata.max.bytes"),
    *("max.message.bytes", "upgrade the brokers"),
)


class Play:
    """A real coordinator of aiokafka's, made ours, whose broker answers each request of one kind with one code."""

    def __init__(self, request: str, code: int, patience: float = 0.0) -> None:
        self.request, self.code = request, code
        self.refused: list[tuple[str, int]] = []
        client = AIOKafkaClient()
        client.send = self.send
        self.subscription = SubscriptionState()
        self.coordinator = GroupCoordinator(client, self.subscription, group_id="g", enable_auto_commit=False)
        places = SimpleNamespace(source=lambda _: None)
        told: Any = lambda *refusal: self.refused.append(refusal)  # noqa: E731
        Coordinator.adopt(self.coordinator, places, GroupSession(60.0, time.monotonic), print, told, patience=patience)  # type: ignore[arg-type]
        self.coordinator.coordinator_id = 1
        self.coordinator._commits_metadata = False

    async def send(self, _: int, request: Any, **__: Any) -> Any:
        asked = type(request).__name__.removesuffix("Request")
        code = self.code if asked == self.request else 0
        if asked == "JoinGroup":
            self.code = 16 if code == 79 else code  # joined again with the id that it was given
            return SimpleNamespace(error_code=code, member_id="m")
        match asked:
            case "OffsetCommit":
                return SimpleNamespace(topics=[("texts", [(0, code)])])
            case "OffsetFetch":
                return SimpleNamespace(topics=[("texts", [(0, 5, "", code)])])
        return SimpleNamespace(error_code=code)

    async def ask(self) -> None:
        coordinator = self.coordinator
        match self.request:
            case "JoinGroup":
                await self._rebalance().perform_group_join()
            case "SyncGroup":
                await self._rebalance()._send_sync_group_request(SyncGroupRequest("g", 1, "m", None, []))
            case "Heartbeat":
                await coordinator._do_heartbeat()
            case "OffsetCommit":
                await coordinator._do_commit_offsets(None, {TEXTS: OffsetAndMetadata(7, "")})
            case "OffsetFetch":
                await coordinator._do_fetch_commit_offsets([TEXTS])

    def _rebalance(self) -> CoordinatorGroupRebalance:
        self.subscription.subscribe({"texts"})
        assignor = SimpleNamespace(name="a", metadata=lambda _: b"")
        return CoordinatorGroupRebalance(
            self.coordinator, "g", 1, self.subscription.subscription, [assignor], 10_000, 1
        )


async def play(request: str, code: int, patience: float = 0.0) -> tuple[list[tuple[str, int]], KafkaError | None]:
    """Ask until it is answered or refused; returns what was refused, and what was raised."""
    scene = Play(request, code, patience)
    coordinator = scene.coordinator
    asking = asyncio.ensure_future(scene.ask())
    async with asyncio.timeout(20):
        while not (asking.done() or scene.refused):
            await asyncio.sleep(0)
    coordinator._closing.set_result(None)
    coordinator._coordination_task.cancel()
    (raised,) = await asyncio.gather(asking, return_exceptions=True)
    assert raised is None or isinstance(raised, KafkaError), raised
    return scene.refused, raised


@pytest.mark.parametrize(("request_name", "code"), [(name, code) for name, codes in ANSWERS.items() for code in codes])
def test_an_answer_is_asked_again_or_names_a_permission_or_ends_with_a_sentence(request_name: str, code: int) -> None:
    refused, raised = asyncio.run(play(request_name, code))
    if is_refusal(request_name, code):
        assert refused == [(request_name, code)]
        assert raised is None or raised.retriable or isinstance(raised, CommitFailedError), (
            "no error beside the sentence"
        )
        return
    assert refused == []
    assert raised is None or raised.retriable or isinstance(raised, (*ASKED_AGAIN, *PERMISSIONS))
    assert isinstance(raised, PERMISSIONS) == (code in (29, 30))


@pytest.mark.parametrize(
    ("request_name", "code"),
    [(name, code) for name, codes in ANSWERS.items() for code in codes if is_refusal(name, code)],
)
def test_what_can_pass_is_asked_again_for_as_long_as_a_dead_member_counts(request_name: str, code: int) -> None:
    refused, raised = asyncio.run(play(request_name, code, patience=60.0))
    assert refused == ([(request_name, code)] if is_final(code) else [])
    assert raised is None or raised.retriable or isinstance(raised, CommitFailedError)


@pytest.mark.parametrize(
    ("code", "final"), [(23, True), (26, True), (81, False), (-1, False), (27, False), (999, False)]
)
def test_only_what_can_never_pass_is_final(code: int, final: bool) -> None:
    assert is_final(code) == final


@pytest.mark.parametrize("code", SENTENCES)
def test_each_code_that_ends_the_worker_has_a_sentence_with_a_setting(code: int) -> None:
    (request, *_) = (name for name, codes in ANSWERS.items() if code in codes and is_refusal(name, code))
    said = group_refusal(request, code, group="mine", session_timeout=45.0, name="w-1")
    assert any(setting in said for setting in SETTINGS), said
    assert "{" not in said
    assert not said.endswith(".")


def test_each_code_that_kafka_names_and_that_ends_the_worker_is_in_the_table() -> None:
    ends = {code for name, codes in ANSWERS.items() for code in codes if is_refusal(name, code)}
    assert ends - {UNHEARD_OF, REPLICATION_TIMED_OUT} == set(SENTENCES)
    said = group_refusal("JoinGroup", UNHEARD_OF, group="mine", session_timeout=45.0, name=None)
    assert "'mine' refuses our JoinGroup request with Kafka's error code 999" in said


@pytest.mark.parametrize(
    ("code", "ours", "names"),
    [
        (23, Code.GROUP_PROTOCOL_MISMATCH, ["group_id 'mine'"]),
        (26, Code.GROUP_SETTING_REFUSED, ["session_timeout=45 s", "group.min.session.timeout.ms"]),
        (81, Code.GROUP_FULL, ["'mine'", "group.max.size"]),
        (82, Code.GROUP_INSTANCE_ID_TAKEN, ["'mine'", "group_instance_id 'w-1'"]),
        (28, Code.GROUP_REQUEST_REFUSED, ["'mine'"]),
    ],
)
def test_the_worker_ends_with_the_sentence_of_its_own_settings(code: int, ours: Code, names: list[str]) -> None:
    conf = SimpleNamespace(id="mine", broker_session_timeout=45.0, consumer_group_instance_id="w-1")
    failures: list[BaseException] = []
    worker = SimpleNamespace(
        app=SimpleNamespace(conf=conf),
        _intake=SimpleNamespace(fail=failures.append),
        _call_soon=lambda function, *arguments: function(*arguments),
    )
    consumer.FetchConsumer.on_refused(worker, "JoinGroup", code)  # type: ignore[arg-type]
    (failure,) = failures
    assert isinstance(failure, WorkerError)
    assert (failure.code, [name for name in names if name not in failure.sentence]) == (ours, [])
    assert isinstance(failure, SettingError) == (code == 26)


def test_what_was_refused_is_said_once_and_commits_go_on_to_be_none() -> None:
    async def commit_twice() -> None:
        scene = Play("OffsetCommit", 28)
        for _ in range(2):
            with pytest.raises(CommitFailedError, match="already rebalanced"):  # after which Faust goes on
                await scene.ask()
        assert scene.refused == [("OffsetCommit", 28)]
        await scene.coordinator.close()

    asyncio.run(commit_twice())

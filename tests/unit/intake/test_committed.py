"""Nobody takes it for "nothing committed" that a coordinator did not say what is committed."""

import asyncio
from collections import deque
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.commit import OffsetFetchResponse_v1, OffsetFetchResponse_v3

from worker.intake.broker_errors import UnansweredError, is_fatal
from worker.intake.committed import committed_offsets
from worker.intake.coordinator import Coordinator
from worker.permissions import refused
from worker.settings import Settings

TEXTS, MORE_TEXTS = TopicPartition("texts", 0), TopicPartition("texts", 1)
LOADING, NOT_AVAILABLE, NOT_COORDINATOR, REFUSED, UNSTABLE, UNKNOWN = 14, 15, 16, 30, 88, -1
TOLD = OffsetFetchResponse_v3(0, [("texts", [(0, 7, "", 0), (1, -1, "", 0)])], 0)


def of_the_group(code: int) -> Any:
    return OffsetFetchResponse_v3(0, [], code)


def of_a_partition(code: int) -> Any:
    return OffsetFetchResponse_v3(0, [("texts", [(0, -1, "", code), (1, 7, "", 0)])], 0)


class Scene:
    """A coordinator of ours that is answered these answers, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
        self.answers = deque(answers)
        self.deaths = 0
        self.coordinator = object.__new__(GroupCoordinator)
        self.coordinator.__dict__.update(group_id="g", _group_instance_id=None, _retry_backoff_ms=1)
        Coordinator.adopt(self.coordinator, None, None, print, print, patience=0.0)  # type: ignore[arg-type]

        async def send(*_: Any) -> Any:
            return self.answers.popleft()

        async def known(_: Any) -> None: ...

        def dead(_: Any) -> None:
            self.deaths += 1

        monkeypatch.setattr(GroupCoordinator, "_send_req", send)
        monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", known)
        monkeypatch.setattr(GroupCoordinator, "coordinator_dead", dead)

    def committed(self) -> Any:
        return asyncio.run(self.coordinator.fetch_committed_offsets([TEXTS, MORE_TEXTS]))


@pytest.mark.parametrize("answer", [of_the_group, of_a_partition])
@pytest.mark.parametrize(
    ("code", "deaths"), [(LOADING, 0), (NOT_AVAILABLE, 1), (NOT_COORDINATOR, 1), (UNSTABLE, 0), (UNKNOWN, 0), (3, 0)]
)
def test_a_coordinator_that_cannot_say_it_yet_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, answer: Any, code: int, deaths: int
) -> None:
    scene = Scene(monkeypatch, answer(code), TOLD)
    assert scene.committed() == {TEXTS: (7, "")}
    assert scene.deaths == deaths


@pytest.mark.parametrize("answer", [of_the_group, of_a_partition])
def test_a_coordinator_that_refuses_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    scene = Scene(monkeypatch, answer(REFUSED))
    with pytest.raises(GroupAuthorizationFailedError) as refused:
        scene.committed()
    assert is_fatal(refused.value)


def test_a_topic_that_is_refused_is_named() -> None:
    with pytest.raises(TopicAuthorizationFailedError) as error:
        committed_offsets(of_a_partition(29), [TEXTS, MORE_TEXTS], "g")
    assert "the topic 'texts'" in str(refused(Settings(), error.value))


def test_a_partition_of_which_nothing_is_said_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, OffsetFetchResponse_v3(0, [("texts", [(0, 7, "", 0)])], 0), TOLD)
    assert scene.committed() == {TEXTS: (7, "")}
    assert not scene.answers


def test_an_answer_of_an_old_version_has_no_error_of_the_group() -> None:
    old = OffsetFetchResponse_v1([("texts", [(0, 7, "", 0)])])
    assert committed_offsets(old, [TEXTS], "g") == {TEXTS: (7, "")}


def test_what_can_be_asked_again_is_retriable_for_aiokafka() -> None:
    with pytest.raises(UnansweredError) as unanswered:
        committed_offsets(of_the_group(UNKNOWN), [TEXTS], "g")
    assert isinstance(unanswered.value, KafkaError)
    assert unanswered.value.retriable
    assert not is_fatal(unanswered.value)

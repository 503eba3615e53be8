"""Places are found in the end, whatever a broker says meanwhile, and nobody else waits for it."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from aiokafka.errors import (
    AuthenticationFailedError,
    ConsumerStoppedError,
    KafkaError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownError,
)
from event_loop import in_a_loop
from faust.types import TP
from unit.intake.kafka_of_lists import POLL
from unit.intake.scene import MORE_TEXTS, ORDERS, TEXTS, Scene

from worker.intake import consumer as module
from worker.intake.offset_reset import Cause
from worker.intake.topic_ids import TopicId

OLD, NEW = TopicId("cluster", "old"), TopicId("cluster", "new")
PASSING = [UnknownError(), NotLeaderForPartitionError(), RequestTimedOutError(), KafkaError("?"), TimeoutError()]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIND_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(module, "FIND_PATIENCE_SECONDS", 0.01)


def raising(scene: Scene, error: Exception) -> None:
    async def refuse() -> None:
        raise error

    scene.kafka.while_looking_up(refuse)


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
@in_a_loop
async def test_a_broker_in_trouble_is_asked_again_and_readyz_tells_the_reason(error: Exception) -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(POLL))
    raising(scene, error)
    await scene.join(TEXTS)
    reasons = scene.consumer.places.reasons()
    assert len(reasons) == 1
    assert reasons[0].startswith("the broker does not say")
    await scene.turn(2)
    assert scene.offsets() == [*range(POLL)]
    assert scene.intake.failures == []
    assert scene.consumer.places.reasons() == []


@pytest.mark.parametrize("error", [TopicAuthorizationFailedError("texts"), AuthenticationFailedError()])
@in_a_loop
async def test_a_broker_that_refuses_for_good_ends_the_worker_and_is_asked_once(error: Exception) -> None:
    scene, asked = Scene(), []

    async def refuse(tps: Collection[TP], time_ms: int | None) -> Any:
        asked.append(tps)
        raise error

    scene.thread.look_up = refuse  # type: ignore[method-assign]
    await scene.join(TEXTS)
    await scene.turn(3)
    assert scene.intake.failures == [error]
    assert len(asked) == 1


@pytest.mark.parametrize(("error", "failures"), [(UnknownError(), 0), (TopicAuthorizationFailedError("texts"), 1)])
@in_a_loop
async def test_a_poll_that_fails_is_tried_again_unless_it_never_can_succeed(error: Exception, failures: int) -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(POLL))
    await scene.join(TEXTS)

    async def refuse() -> None:
        raise error

    scene.kafka.while_waiting(refuse)
    await scene.turn()
    assert len(scene.consumer.places.reasons()) == 1 - failures
    await scene.turn()
    assert scene.consumer.places.reasons() == []
    assert len(scene.intake.failures) == failures
    assert scene.offsets() == [*range(POLL)]


@in_a_loop
async def test_a_look_up_that_a_stop_overtakes_ends_quietly() -> None:
    scene = Scene()
    raising(scene, ConsumerStoppedError())
    await scene.join(TEXTS)
    assert scene.intake.failures == []


@in_a_loop
async def test_partitions_whose_places_are_known_go_on_while_a_broker_does_not_answer() -> None:
    scene, answer = Scene(), asyncio.Event()
    for tp in (TEXTS, MORE_TEXTS):
        scene.kafka.produce(tp, range(POLL))
    await scene.join(TEXTS, MORE_TEXTS)
    scene.consumer.places.doubt([MORE_TEXTS])

    async def wait() -> None:
        await answer.wait()

    scene.kafka.while_looking_up(wait)
    await asyncio.wait_for(scene.turn(3), 5)
    assert scene.offsets(TEXTS) == [*range(POLL)]
    assert scene.offsets(MORE_TEXTS) == []
    answer.set()
    await scene.turn(3)
    assert scene.offsets(MORE_TEXTS) == [*range(POLL)]


@in_a_loop
async def test_an_answer_for_a_former_assignment_is_not_used() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(POLL))
    await scene.join(TEXTS)
    scene.consumer.places.doubt([TEXTS])
    scene.kafka.while_looking_up(asyncio.Event().wait)  # type: ignore[arg-type]
    await scene.turn()
    await asyncio.wait_for(scene.rebalance(), 5)
    await scene.turn()
    assert scene.offsets() == [*range(POLL)]


@in_a_loop
async def test_a_reset_is_told_once_it_is_done() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(POLL))
    scene.kafka.offsets[TEXTS] = 1200
    scene.tps = {TEXTS}
    await scene.assign()

    async def reassigned() -> None:
        await scene.assign()

    scene.before_job(reassigned)  # the move
    await scene.recover()
    assert scene.intake.resets == []
    await scene.consumer.perform_seek()
    assert [reset.cause for reset in scene.intake.resets] == [Cause.BEYOND_THE_END]


@in_a_loop
async def test_with_fail_the_reset_is_told_once() -> None:
    scene = Scene(on_offset_reset="fail")
    scene.kafka.produce(TEXTS, range(POLL))
    scene.kafka.offsets[TEXTS] = 1200
    await scene.join(TEXTS)
    await scene.turn(4)
    assert len(scene.intake.resets) == 1


@in_a_loop
async def test_only_what_is_still_read_is_doubted_from_the_thread() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(POLL))
    await scene.join(TEXTS)
    places = scene.consumer.places
    before = places.source(TEXTS)
    assert before is not None
    await scene.rebalance()
    await asyncio.to_thread(places.doubt_from_thread, TEXTS, before)
    await asyncio.sleep(0)
    assert places.is_known(TEXTS)
    now = places.source(TEXTS)
    assert now is not None
    places.doubt_from_thread(TEXTS, now)
    assert places.is_known(TEXTS), "the main loop does it"
    await asyncio.sleep(0)
    assert not places.is_known(TEXTS)


@in_a_loop
async def test_an_offset_that_was_left_out_for_a_doubt_is_committed_once_that_proves_unfounded() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(POLL))
    await scene.join(TEXTS)
    await scene.turn()
    scene.acknowledge(scene.fetches[0])
    await scene.commit()
    scene.kafka.offsets.clear()  # the coordinator left it out, and Faust does not know
    scene.consumer.places.doubt([TEXTS])
    noted = scene.consumer._committed_offset[TEXTS]
    await scene.turn()
    scene.consumer._committed_offset[TEXTS] = noted  # Faust may note it as late as this
    await scene.commit()
    assert scene.kafka.offsets == {TEXTS: POLL}


@in_a_loop
async def test_what_is_committed_of_inputs_is_asked_once() -> None:
    scene, asked = Scene(), []
    committed = scene.kafka.committed

    async def note(tp: TP) -> int | None:
        asked.append(TP(*tp))
        return await committed(tp)

    scene.kafka.committed = note  # type: ignore[method-assign]
    scene.kafka.offsets[ORDERS] = 3
    scene.kafka.produce(ORDERS, range(5))
    await scene.join(TEXTS, ORDERS)
    await scene.turn()
    assert asked == [ORDERS]
    assert scene.offsets(ORDERS) == [3, 4]


@in_a_loop
async def test_a_partition_that_is_added_after_a_topic_was_made_anew_starts_at_its_start_without_a_reset() -> None:
    scene = Scene(offset_reset="latest", on_offset_reset="fail")
    scene.kafka.produce(MORE_TEXTS, range(POLL))
    scene.consumer.places._read_ids["texts"] = [OLD, NEW]
    scene.kafka.topic_ids["texts"] = NEW
    await scene.join(MORE_TEXTS)
    await scene.turn()
    assert scene.intake.resets == []
    assert scene.offsets(MORE_TEXTS) == [*range(POLL)]


@pytest.mark.parametrize("error", [ConsumerStoppedError(), UnknownError()])
@in_a_loop
async def test_a_stop_while_topics_are_watched_is_no_crash(error: Exception) -> None:
    scene, asked = Scene(), []
    scene.intake.metadata_max_age = 0.01

    async def topic_ids(topics: Collection[str]) -> Any:
        asked.append(topics)
        if len(asked) == 1:
            raise error
        raise ConsumerStoppedError

    scene.thread.topic_ids = topic_ids  # type: ignore[method-assign]
    await type(scene.consumer)._watch_topics.fun(scene.consumer)
    assert len(asked) == (1 if isinstance(error, ConsumerStoppedError) else 2)

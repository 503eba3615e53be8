"""The lag of a partition is what may not be committed yet, up to its end."""

from collections.abc import Mapping

import pytest
from aiokafka.errors import RequestTimedOutError
from event_loop import in_a_loop
from unit.intake.scene import MORE_TEXTS, ORDERS, TEXTS, Scene


def lags(scene: Scene) -> Mapping[tuple[str, ...], float]:
    return scene.intake.metrics.consumer_lag.values()


def fetched_up_to(scene: Scene, end: int) -> None:
    """The end of the partition, as a fetch has found it."""
    state = scene.kafka.state(TEXTS)
    state.lso = state.highwater = end


@in_a_loop
async def test_what_was_taken_and_is_not_answered_is_lag() -> None:
    scene = Scene()
    scene.kafka.offsets[TEXTS] = 2
    scene.kafka.produce(TEXTS, range(9))
    await scene.join(TEXTS, MORE_TEXTS, ORDERS)
    assert lags(scene) == {}, "no fetch has told of an end"
    fetched_up_to(scene, 9)
    assert lags(scene) == {("texts", "0"): 7.0}
    await scene.turn()
    assert lags(scene) == {("texts", "0"): 7.0}, "taken is not answered"
    scene.acknowledge(scene.fetches[0])
    assert lags(scene) == {("texts", "0"): 0.0}
    fetched_up_to(scene, 12)
    assert lags(scene) == {("texts", "0"): 3.0}


@in_a_loop
async def test_who_joins_again_starts_from_what_is_committed() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(5))
    await scene.join(TEXTS)
    await scene.turn()
    scene.acknowledge(scene.fetches[0])
    await scene.rebalance()
    fetched_up_to(scene, 8)
    assert lags(scene) == {("texts", "0"): 3.0}


@in_a_loop
async def test_a_partition_that_is_anothers_or_whose_place_is_in_doubt_has_no_lag() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(5))
    await scene.join(TEXTS)
    await scene.turn()
    scene.acknowledge(scene.fetches[0])
    fetched_up_to(scene, 6)
    assert lags(scene) == {("texts", "0"): 1.0}
    scene.consumer.places.doubt([TEXTS])
    assert lags(scene) == {}
    scene.thread._consumer = None
    assert lags(scene) == {}, "not started yet"


@in_a_loop
async def test_polls_that_fail_are_counted_each_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    await scene.join(TEXTS)

    async def fail() -> None:
        raise RequestTimedOutError

    async def no_sleep(_: float) -> None: ...

    scene.consumer.sleep = no_sleep  # type: ignore[method-assign, assignment]
    for _ in range(3):
        scene.kafka.while_waiting(fail)
        await scene.turn()
    assert scene.intake.metrics.poll_failures.total == 3
    (reason,) = scene.consumer.places.reasons()
    assert caplog.messages.count(reason) == 1

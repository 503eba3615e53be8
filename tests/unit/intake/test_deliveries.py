"""A fetch that Faust does not deliver is read again."""

import pytest
from event_loop import in_a_loop
from unit.intake.kafka_of_lists import POLL
from unit.intake.scene import MORE_TEXTS, TEXTS, Scene

from worker.intake import consumer as module


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIND_AGAIN_SECONDS", 0.0)


@in_a_loop
async def test_a_fetch_whose_delivery_is_cancelled_is_read_again() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(2 * POLL))
    await scene.join(TEXTS)
    async for _ in scene.consumer.getmany(0.0):
        pass  # as Faust does when the flow is suspended before the message is in the stream
    assert scene.given == []
    await scene.turn(4)
    assert scene.offsets() == [*range(2 * POLL)]
    assert len(scene.ledger.partitions()) == 1


@in_a_loop
async def test_what_is_committed_is_not_read_again_for_it() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(2 * POLL))
    await scene.join(TEXTS)
    await scene.turn()
    for fetch in scene.fetches:
        for completed in scene.ledger.complete(fetch, [*range(len(fetch))]):
            scene.ledger.acknowledge(completed)
    await scene.commit()
    async for _ in scene.consumer.getmany(0.0):
        pass
    await scene.turn(4)
    assert scene.offsets() == [*range(2 * POLL)]


@in_a_loop
async def test_another_partition_is_not_read_again_for_it() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(1))
    scene.kafka.produce(MORE_TEXTS, range(1))
    await scene.join(TEXTS, MORE_TEXTS)
    async for tp, message in scene.consumer.getmany(0.0):
        if tp == MORE_TEXTS:
            await scene.consumer.callback(message)
    await scene.turn(3)
    assert sorted(fetch.partition for fetch in scene.fetches) == [TEXTS.partition, MORE_TEXTS.partition]

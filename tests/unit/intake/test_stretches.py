"""Nothing lies between two fetches of a partition, whoever polls, seeks or looks up places beside them."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from event_loop import in_a_loop
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.intake.kafka_of_lists import POLL, Script
from unit.intake.scene import TEXTS, Scene

from worker.delivery.ledger import Partition
from worker.intake import consumer as module
from worker.intake import stretches
from worker.intake.stretches import Stretch

RECORDS = 6 * POLL
#: The log's end: behind the records are markers.
END = RECORDS + 3


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIND_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(module, "FIND_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)


async def orphan(scene: Scene) -> None:
    """Poll for somebody who does not take what comes, as a drainer that is cancelled while the thread goes on."""
    await scene.thread._fetch_records(cast(Any, scene.kafka), {TEXTS}, max_records=POLL)


async def foreign_seek(scene: Scene) -> None:
    scene.kafka.seek(TEXTS, RECORDS - 1)


async def rewind(scene: Scene) -> None:
    scene.kafka.seek(TEXTS, 0)


async def find(scene: Scene) -> None:
    await scene.consumer.perform_seek()


async def doubt(scene: Scene) -> None:
    scene.consumer.places.doubt([TEXTS])


async def find_slowly(scene: Scene) -> None:
    """Begin to look up places; the answer comes after two more turns of the loop."""

    async def wait() -> None:
        for _ in range(2):
            await asyncio.sleep(0)

    scene.kafka.while_looking_up(wait)
    scene.consumer.places.doubt([TEXTS])
    scene.background.append(asyncio.ensure_future(scene.consumer.perform_seek()))


async def stop_and_go(scene: Scene) -> None:
    scene.consumer.stop_flow()
    scene.consumer.resume_flow()


async def pause_and_resume(scene: Scene) -> None:
    scene.consumer.pause_partitions({TEXTS})
    scene.consumer.resume_partitions({TEXTS})


async def acknowledge(scene: Scene) -> None:
    for fetch in {*scene.fetches} - scene.acknowledged:
        scene.acknowledge(fetch)


async def read_markers(scene: Scene) -> None:
    """Go through what holds no record, behind the records, if reading is so far."""
    if scene.kafka.state(TEXTS).position == RECORDS:
        scene.kafka.go_through(TEXTS, END)


EVENTS = (
    acknowledge,
    read_markers,
    orphan,
    foreign_seek,
    rewind,
    find,
    doubt,
    find_slowly,
    stop_and_go,
    pause_and_resume,
)
MOMENTS = ("before the poll", "while it waits", "after it", "before the next job", "after the next job", "at the fetch")


async def play(scene: Scene, moment: str, event: Callable[[Scene], Any]) -> None:
    """Have a poll, and something else at one of its moments."""

    async def script() -> None:
        await event(scene)

    at_each: Script | None = None
    if moment == "before the poll":
        await script()
    elif moment == "at the fetch":
        at_each = script
    else:
        add = {
            "while it waits": scene.kafka.while_waiting,
            "after it": scene.after_poll,
            "before the next job": scene.before_job,
            "after the next job": scene.after_job,
        }[moment]
        add(script)
    await scene.turn(at_each=at_each)
    if at_each is None:
        await asyncio.sleep(0)


async def read_all(scene: Scene) -> list[int]:
    for _ in range(30):
        await scene.turn()
        await asyncio.sleep(0)
    await asyncio.gather(*scene.background)
    return scene.offsets()


async def at_markers() -> Scene:
    """Return a scene that reads on at offset 5, where only markers are left, up to 9."""
    scene = Scene()
    scene.kafka.offsets[TEXTS] = 5
    scene.kafka.ends[TEXTS] = 9
    await scene.join(TEXTS)
    return scene


async def check_the_end(scene: Scene) -> None:
    """Each record has come once and in order; and where all is acknowledged, all can be committed."""
    assert await read_all(scene) == [*range(RECORDS)]
    await read_markers(scene)
    await scene.turn()
    await acknowledge(scene)
    assert scene.ledger.committable(Partition(*TEXTS)) == END


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
@in_a_loop
async def test_each_record_is_handed_over_once_and_in_order(event: Callable[[Scene], Any], moment: str) -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(RECORDS))
    scene.kafka.ends[TEXTS] = END
    await scene.join(TEXTS)
    await scene.turn()
    await play(scene, moment, event)
    await check_the_end(scene)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MOMENTS), st.sampled_from(EVENTS)), min_size=2, max_size=6))
def test_so_it_is_with_several_at_once(plan: list[tuple[str, Callable[[Scene], Any]]]) -> None:
    @in_a_loop
    async def run() -> None:
        scene = Scene()
        scene.kafka.produce(TEXTS, range(RECORDS))
        scene.kafka.ends[TEXTS] = END
        await scene.join(TEXTS)
        for moment, event in plan:
            await play(scene, moment, event)
        await check_the_end(scene)

    run()


@pytest.mark.parametrize("moment", ["before_job", "after_job"])
@in_a_loop
async def test_nothing_is_taken_while_a_partition_is_sent_to_its_place(moment: str) -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(RECORDS))
    scene.kafka.ends[TEXTS] = END
    await scene.join(TEXTS)
    await scene.turn()

    async def turn() -> None:
        await scene.turn()

    getattr(scene, moment)(turn)  # the next job is the move
    await scene.consumer.perform_seek()
    assert scene.offsets() == [*range(POLL)]
    assert await read_all(scene) == [*range(RECORDS)]


@in_a_loop
async def test_a_place_that_reading_does_not_follow_on_is_told(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(RECORDS))
    scene.kafka.ends[TEXTS] = END
    await scene.join(TEXTS)
    await scene.turn()
    await orphan(scene)
    await scene.turn()
    told = f"texts[0] was read from offset {2 * POLL} on although {POLL} is next: reading goes back to that"
    assert caplog.text.count(told) == 1


@in_a_loop
async def test_markers_that_nobody_noticed_to_be_read_are_read_again() -> None:
    scene = await at_markers()
    scene.kafka.go_through(TEXTS, 9)
    await orphan(scene)
    await scene.turn()
    assert scene.ledger.committable(Partition(*TEXTS)) is None
    assert scene.kafka.state(TEXTS).position == 5


@in_a_loop
async def test_markers_that_are_read_while_records_are_open_are_committed_with_them() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(5))
    scene.kafka.ends[TEXTS] = 9
    await scene.join(TEXTS)
    await scene.turn()
    scene.kafka.go_through(TEXTS, 9)
    await scene.turn()
    assert scene.ledger.committable(Partition(*TEXTS)) is None
    scene.acknowledge(scene.fetches[0])
    assert scene.ledger.committable(Partition(*TEXTS)) == 9


@in_a_loop
async def test_markers_of_a_poll_that_a_stopped_flow_overtakes_are_not_passed_over() -> None:
    scene = await at_markers()

    async def stop() -> None:
        scene.consumer.stop_flow()

    scene.kafka.go_through(TEXTS, 9)
    scene.after_poll(stop)
    await scene.turn()
    assert scene.kafka.state(TEXTS).position == 5
    assert scene.ledger.committable(Partition(*TEXTS)) is None


def test_stretches_that_follow_on_one_another_are_one_and_a_seek_begins_another() -> None:
    class Assignment: ...

    assignment, target = Assignment(), cast(Any, TEXTS)
    stretches.note(assignment, target, 3, 5)
    stretches.note(assignment, target, 5, 9)
    assert stretches.take(assignment) == {TEXTS: Stretch(3, 9)}
    assert stretches.take(assignment) == {}
    stretches.note(assignment, target, 3, 5)
    stretches.note(assignment, target, 7, 9)
    assert stretches.take(assignment) == {TEXTS: Stretch(7, 9)}

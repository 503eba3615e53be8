"""Where a partition starts, and that a rebalance finds the same place again."""

import pytest
from event_loop import in_a_loop
from unit.intake.scene import ORDERS, TEXTS, Scene


@pytest.mark.parametrize(("start_time_ms", "first"), [(None, 0), (5, 5), (50, 10)])
@in_a_loop
async def test_a_partition_without_a_committed_offset_starts_where_start_from_says(
    start_time_ms: int | None, first: int
) -> None:
    scene = Scene(start_time_ms=start_time_ms)
    scene.kafka.produce(TEXTS, range(10))
    await scene.join(TEXTS)
    scene.kafka.produce(TEXTS, [10])
    await scene.turn(2)
    assert scene.offsets() == [*range(first, 11)]


@in_a_loop
async def test_a_committed_0_is_not_taken_for_nothing_committed() -> None:
    scene = Scene(start_time_ms=50)
    await scene.join(TEXTS)
    await scene.turn()
    await scene.commit()
    assert scene.kafka.offsets == {TEXTS: 0}
    scene.kafka.produce(TEXTS, range(4))  # all of an earlier time than that to start at
    await scene.turn()
    await scene.rebalance()
    await scene.turn()
    assert scene.offsets() == [0, 1, 2, 3, 0, 1, 2, 3]


@pytest.mark.parametrize(("start_time_ms", "offset_reset"), [(50, "earliest"), (None, "latest")])
@in_a_loop
async def test_what_was_received_before_the_first_commit_is_not_skipped_by_a_rebalance(
    start_time_ms: int | None, offset_reset: str
) -> None:
    scene = Scene(start_time_ms=start_time_ms, offset_reset=offset_reset)
    scene.kafka.produce(TEXTS, range(4))
    await scene.join(TEXTS)
    scene.kafka.produce(TEXTS, range(4, 8))
    await scene.turn()
    await scene.rebalance()
    await scene.turn()
    assert scene.offsets() == [4, 5, 6, 7, 4, 5, 6, 7]


@in_a_loop
async def test_from_the_earliest_on_nothing_is_committed_before_it_is_acknowledged() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    await scene.join(TEXTS)
    await scene.turn()
    await scene.commit()
    assert scene.kafka.offsets == {}


@in_a_loop
async def test_a_start_that_a_rebalance_overtakes_is_left_to_the_next_seek() -> None:
    scene = Scene(start_time_ms=50)
    scene.kafka.produce(TEXTS, range(10))
    scene.tps = {TEXTS}
    await scene.assign()

    async def reassigned() -> None:
        scene.kafka.offsets[TEXTS] = 3
        await scene.assign()

    scene.kafka.while_looking_up(reassigned)
    await scene.recover()
    assert scene.kafka.state(TEXTS).position == 3
    assert not scene.consumer.positions_known


@in_a_loop
async def test_positions_are_known_once_each_place_is() -> None:
    scene = Scene(offset_reset="latest")

    def known() -> bool:
        return scene.consumer.positions_known

    assert not known()
    scene.tps = {TEXTS, ORDERS}
    await scene.assign()
    assert not known()  # Faust has yet to seek
    scene.kafka.unknown[TEXTS] = "texts[0] has no leader"  # the broker has yet to say where the end is
    await scene.recover()
    assert not known()
    assert scene.consumer.places.reasons() == ["texts[0] has no leader"]
    scene.kafka.unknown.clear()
    await scene.turn()
    assert known()
    await scene.revoke()
    await scene.assign()
    assert not known()


@in_a_loop
async def test_positions_are_known_to_who_is_given_no_partition() -> None:
    scene = Scene()
    await scene.join()
    assert scene.consumer.positions_known

"""Which offsets are of their log, and where a partition is read from when its offset is not."""

from collections.abc import Sequence

import pytest
from event_loop import in_a_loop
from unit.intake.kafka_of_lists import POLL
from unit.intake.scene import MORE_TEXTS, TEXTS, Scene

from worker.delivery.ledger import Partition
from worker.intake.offset_reset import Bookmark, Cause, Log, Policy, Start, choose_start
from worker.intake.topic_ids import TopicId

OLD, NEW, ELSEWHERE = TopicId("cluster", "old"), TopicId("cluster", "new"), TopicId("elsewhere", "old")
LOG = Log(100, 500, 480, NEW)


def start(
    *,
    committed: Bookmark | None = None,
    position: Bookmark | None = None,
    read_ids: Sequence[TopicId] = (),
    log: Log = LOG,
    policy: Policy = "earliest",
) -> Start:
    return choose_start(
        Partition("texts", 0),
        log,
        position=position,
        committed=committed,
        read_ids=read_ids,
        first=250,
        policy=policy,
    )


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        pytest.param(start(committed=Bookmark(300, NEW)), None, id="in the log"),
        pytest.param(start(committed=Bookmark(100)), None, id="at its start"),
        pytest.param(start(committed=Bookmark(500)), None, id="at its end, behind an open transaction"),
        pytest.param(start(committed=Bookmark(501)), Cause.BEYOND_THE_END, id="beyond its end"),
        pytest.param(start(committed=Bookmark(99)), Cause.BEFORE_THE_START, id="deleted by retention"),
        pytest.param(start(committed=Bookmark(300, OLD)), Cause.RECREATED, id="of another topic of that name"),
        pytest.param(start(committed=Bookmark(300, ELSEWHERE)), None, id="copied from another cluster"),
        pytest.param(start(position=Bookmark(300, ELSEWHERE)), Cause.RECREATED, id="read from another cluster"),
        pytest.param(start(position=Bookmark(300, OLD)), Cause.RECREATED, id="recreated while it was read"),
        pytest.param(start(position=Bookmark(700, NEW)), Cause.BEYOND_THE_END, id="lost while it was read"),
        pytest.param(
            start(position=Bookmark(300, NEW), committed=Bookmark(700, NEW)), None, id="the position is what counts"
        ),
        pytest.param(start(read_ids=[OLD]), Cause.RECREATED, id="its offsets were deleted with the old topic"),
        pytest.param(start(committed=Bookmark(300, NEW), read_ids=[OLD, NEW]), None, id="committed since"),
        pytest.param(start(read_ids=[OLD, NEW]), None, id="added since"),
        pytest.param(start(committed=Bookmark(300, OLD), log=Log(100, 500, 480)), None, id="the broker knows no ids"),
    ],
)
def test_an_offset_is_of_its_log_or_the_reason_is_named(found: Start, cause: Cause | None) -> None:
    assert (found.reset.cause if found.reset else None) == cause


def test_without_a_committed_offset_a_partition_starts_where_it_should() -> None:
    assert start() == Start(250, is_first=True)


def test_a_partition_that_was_added_to_a_topic_made_anew_starts_at_its_start() -> None:
    assert start(read_ids=[OLD, NEW]) == Start(LOG.start, is_first=True)


@pytest.mark.parametrize(("policy", "offset"), [("earliest", 100), ("latest", 480)])
def test_the_setting_says_where_reading_goes_on(policy: Policy, offset: int) -> None:
    found = start(committed=Bookmark(1200), policy=policy)
    assert found.offset == offset
    assert f"goes on at {offset} (on_offset_reset={policy})" in str(found.reset)


def test_the_line_names_partition_offset_and_log() -> None:
    line = str(start(committed=Bookmark(1200), policy="fail").reset)
    assert line.startswith("texts[0]: offset 1200 is beyond the end of the log: the log goes from 100 to 500")
    assert "Set on_offset_reset" in line
    assert "380 offsets from 20 on were deleted by retention" in str(
        start(committed=Bookmark(20), log=Log(400, 500, 500)).reset
    )


def test_a_committed_id_is_read_back_and_what_others_committed_is_none() -> None:
    assert TopicId.from_metadata(NEW.as_metadata()) == NEW
    assert [TopicId.from_metadata(text) for text in ("", "x", "a=b", '{"a": 1}', "topic_id=x")] == [None] * 5


@in_a_loop
async def test_an_offset_that_is_out_of_range_while_running_is_looked_up_and_nothing_old_is_committed() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(2 * POLL))
    await scene.join(TEXTS)
    await scene.turn(2)
    for fetch in scene.fetches:
        scene.acknowledge(fetch)
    await scene.commit()
    assert scene.kafka.offsets == {TEXTS: 2 * POLL}
    scene.given.clear()
    scene.kafka.records[TEXTS].clear()
    scene.kafka.produce(TEXTS, range(5))
    await scene.turn(3)
    assert scene.offsets() == [*range(5)]
    assert [reset.cause for reset in scene.intake.resets] == [Cause.BEYOND_THE_END]
    scene.acknowledge(scene.fetches[0])
    await scene.commit()
    assert scene.kafka.offsets == {TEXTS: 5}


@in_a_loop
async def test_a_topic_with_another_id_is_read_from_its_start_although_the_offset_is_in_it() -> None:
    scene = Scene()
    scene.kafka.topic_ids["texts"] = OLD
    scene.kafka.produce(TEXTS, range(POLL))
    await scene.join(TEXTS)
    await scene.turn()
    scene.kafka.topic_ids["texts"] = NEW
    scene.kafka.records[TEXTS].clear()
    scene.kafka.produce(TEXTS, range(3 * POLL))
    scene.given.clear()
    scene.consumer.places.doubt([TEXTS])
    await scene.turn(3)
    assert scene.offsets() == [*range(3 * POLL)]
    source = scene.consumer.places.source(TEXTS)
    assert source is not None
    assert source.topic_id == NEW


@in_a_loop
async def test_what_was_polled_before_a_move_is_not_handed_over_after_it() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(2 * POLL))
    await scene.join(TEXTS)

    async def move() -> None:
        await scene.thread.move(scene.thread.current_assignment(), {TEXTS: 0})

    scene.after_poll(move)
    await scene.turn()
    assert scene.offsets() == []
    await scene.turn()
    assert scene.offsets() == [*range(POLL)]


@in_a_loop
async def test_with_fail_the_worker_is_told_and_nothing_is_read() -> None:
    scene = Scene(on_offset_reset="fail")
    scene.kafka.produce(TEXTS, range(POLL))
    scene.kafka.offsets[TEXTS] = 1200
    await scene.join(TEXTS)
    await scene.turn(2)
    assert scene.offsets() == []
    assert scene.intake.resets[0].policy == "fail"
    await scene.commit()
    assert scene.kafka.offsets == {TEXTS: 1200}


@in_a_loop
async def test_an_added_partition_is_read_from_its_start_whatever_start_from_says() -> None:
    scene = Scene(offset_reset="latest")
    scene.kafka.partitions_at_first["texts"] = 1
    for tp in (TEXTS, MORE_TEXTS):
        scene.kafka.produce(tp, range(POLL))
    await scene.join(TEXTS, MORE_TEXTS)
    await scene.turn()
    assert scene.offsets(MORE_TEXTS) == [*range(POLL)]
    assert scene.offsets() == []

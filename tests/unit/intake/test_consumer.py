"""Nothing is skipped and nothing hangs, whatever a rebalance, a seek or a stop comes in between."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from event_loop import in_a_loop
from unit.intake.kafka_of_lists import POLL
from unit.intake.scene import MORE_TEXTS, ORDERS, TEXTS, Scene

from worker.delivery.ledger import Partition
from worker.intake.tolerant import ParsedRecord
from worker.intake.unreadable import of_a_record, unreadable

# What is handed over


@in_a_loop
async def test_an_input_arrives_as_one_fetch_and_another_topic_as_single_messages() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    scene.kafka.produce(ORDERS, range(3))
    await scene.join(TEXTS, ORDERS)
    await scene.turn()
    assert [len(fetch) for fetch in scene.fetches] == [4]
    assert scene.offsets(ORDERS) == [0, 1, 2]
    assert scene.app.monitor.tp_end_offsets.keys() == {TEXTS, ORDERS}


@in_a_loop
async def test_a_fetch_ends_where_the_consumer_reads_on() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, [3, 4, 7])
    scene.kafka.holes_behind = 2
    await scene.join(TEXTS)
    await scene.turn()
    assert [fetch.next_offset for fetch in scene.fetches] == [10]


@in_a_loop
async def test_a_partition_without_records_is_committed_where_it_is_read_on() -> None:
    scene = Scene()
    scene.kafka.offsets[TEXTS] = 5
    scene.kafka.ends[TEXTS] = 9
    await scene.join(TEXTS)
    scene.kafka.go_through(TEXTS, 9)  # past an aborted transaction
    await scene.turn()
    assert scene.ledger.committable(Partition(*TEXTS)) == 9


@in_a_loop
async def test_faust_does_not_drop_what_is_read_again_under_another_assignment() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(2 * POLL))
    await scene.join(TEXTS)
    fetcher: Any = SimpleNamespace(_stopped=asyncio.Event())
    draining = asyncio.ensure_future(scene.consumer._drain_messages(fetcher))
    await _until(lambda: len(scene.fetches) == 2)
    await scene.rebalance()
    await _until(lambda: len(scene.fetches) == 4)
    fetcher._stopped.set()
    await draining
    assert scene.offsets() == [*range(2 * POLL), *range(2 * POLL)]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


# What is not handed over is read again


@pytest.mark.parametrize("ends", ["before it is given back", "after it is given back"])
@in_a_loop
async def test_a_poll_that_ends_in_a_stopped_flow_skips_nothing_although_the_rebalance_ends(ends: str) -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(300))
    scene.kafka.offsets[TEXTS] = 100
    await scene.join(TEXTS)
    await scene.turn(5)
    assert scene.offsets()[-1] == 149
    scene.given.clear()
    scene.after_poll(scene.revoke)
    if ends == "before it is given back":
        scene.before_job(scene.assign, scene.recover)
    else:
        scene.after_job(scene.assign, scene.recover)
    await scene.turn()
    await scene.turn(3)
    assert scene.offsets() == [*range(100, 130)]


@pytest.mark.parametrize("committed", [0, 7], ids=lambda offset: f"committed-{offset}")
@pytest.mark.parametrize("start_time_ms", [None, 5], ids=lambda time: f"start-{time}")
@pytest.mark.parametrize("recovers", ["before it is taken", "later"])
@in_a_loop
async def test_a_poll_that_began_before_the_rebalance_and_ends_after_it_skips_nothing(
    committed: int, start_time_ms: int | None, recovers: str
) -> None:
    scene = Scene(start_time_ms=start_time_ms)
    scene.kafka.produce(TEXTS, range(20))
    scene.kafka.offsets[TEXTS] = committed
    await scene.join(TEXTS)
    scene.kafka.while_waiting(scene.revoke, scene.assign)
    if recovers == "before it is taken":
        scene.after_poll(scene.recover)
    await scene.turn()
    assert scene.offsets() == []
    if recovers == "later":
        await scene.recover()
    await scene.turn(3)
    assert scene.offsets() == [*range(committed, 20)]


@in_a_loop
async def test_what_is_polled_before_the_first_seek_is_neither_taken_nor_committed() -> None:
    scene = Scene(start_time_ms=15)
    scene.kafka.produce(TEXTS, range(20))
    scene.tps = {TEXTS, MORE_TEXTS}
    await scene.assign()
    assert scene.consumer.flow_active, "Faust stops no flow before the first assignment"
    scene.consumer.resume_partitions(scene.tps)
    await scene.turn(2)
    assert scene.offsets() == []
    assert scene.ledger.partitions() == []
    await scene.recover()
    await scene.turn()
    assert scene.offsets() == [*range(15, 20)]


@in_a_loop
async def test_records_of_a_paused_partition_are_read_again_when_it_goes_on() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    scene.kafka.produce(MORE_TEXTS, range(4))
    await scene.join(TEXTS, MORE_TEXTS)

    async def pause() -> None:
        scene.consumer.pause_partitions({TEXTS})

    scene.after_poll(pause)
    await scene.turn()
    assert (scene.offsets(TEXTS), scene.offsets(MORE_TEXTS)) == ([], [0, 1, 2, 3])
    assert not scene.ledger.committable(Partition(*TEXTS))
    scene.consumer.resume_partitions({TEXTS})
    await scene.turn()
    assert scene.offsets(TEXTS) == [0, 1, 2, 3]


@in_a_loop
async def test_single_messages_that_a_seek_of_their_own_interrupts_are_not_sent_back() -> None:
    scene = Scene()
    scene.kafka.produce(ORDERS, range(4))
    await scene.join(ORDERS)

    async def stop() -> None:
        scene.consumer.stop_flow()
        scene.kafka.seek(ORDERS, 3)

    await scene.turn(at_each=stop)
    assert scene.offsets(ORDERS) == [0]
    scene.consumer.resume_flow()
    await scene.turn()
    assert scene.offsets(ORDERS) == [0, 3]


@in_a_loop
async def test_single_messages_go_on_where_a_stopped_flow_left_them() -> None:
    scene = Scene()
    scene.kafka.produce(ORDERS, range(4))
    await scene.join(ORDERS)

    async def stop() -> None:
        scene.consumer.stop_flow()

    await scene.turn(at_each=stop)
    scene.consumer.resume_flow()
    await scene.turn()
    assert scene.offsets(ORDERS) == [0, 1, 2, 3]


# No fetch is opened that is not handed over


@in_a_loop
async def test_a_rebalance_while_something_is_given_back_leaves_no_fetch_open() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    scene.kafka.produce(MORE_TEXTS, range(4))
    await scene.join(TEXTS, MORE_TEXTS)

    async def pause() -> None:
        scene.consumer.pause_partitions({MORE_TEXTS})

    async def there_and_back() -> None:
        await scene.revoke()
        scene.kafka.offsets[TEXTS] = 4  # by another member, which had the partition meanwhile
        scene.kafka.produce(TEXTS, range(4, 8))
        await scene.assign()
        await scene.recover()

    scene.after_poll(pause)
    scene.after_job(there_and_back)
    await scene.turn(3)
    for fetch in scene.fetches:
        scene.acknowledge(fetch)
    assert scene.ledger.unacknowledged() == 0
    assert {tp: scene.ledger.committable(Partition(*tp)) for tp in scene.tps} == {TEXTS: 8, MORE_TEXTS: 4}


@in_a_loop
async def test_a_rebalance_while_the_first_fetch_is_taken_leaves_the_second_for_the_next_poll() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    scene.kafka.produce(MORE_TEXTS, range(4))
    await scene.join(TEXTS, MORE_TEXTS)

    async def new_subscription() -> None:  # for which aiokafka revokes nothing, so that Faust stops nothing
        if len(scene.given) == 1:
            await scene.assign()
            await scene.recover()

    await scene.turn(at_each=new_subscription)
    assert len(scene.fetches) == 1
    assert scene.ledger.partitions() == [], "all of it is read again"
    await scene.turn()
    for fetch in scene.fetches:
        scene.acknowledge(fetch)
    assert {scene.ledger.committable(Partition(*tp)) for tp in scene.tps} == {4}


@in_a_loop
async def test_a_rebalance_that_keeps_its_generation_is_one_all_the_same() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    scene.kafka.produce(MORE_TEXTS, range(4))
    await scene.join(TEXTS, MORE_TEXTS)

    async def same_generation() -> None:
        if len(scene.given) == 1:
            await scene.rebalance(generation=0)

    await scene.turn(at_each=same_generation)
    assert len(scene.fetches) == 1
    scene.given.clear()
    await scene.turn()
    assert [scene.ledger.knows(fetch) for fetch in scene.fetches] == [True, True]


# A last commit, buffers, and other topics


@in_a_loop
async def test_offsets_of_inputs_are_the_ledgers_and_of_other_topics_fausts() -> None:
    scene = Scene()
    scene.kafka.produce(TEXTS, range(4))
    await scene.join(TEXTS, ORDERS)
    await scene.turn()
    scene.acknowledge(scene.fetches[0])
    scene.consumer._acked[ORDERS] = [0, 1]
    tps = list(scene.consumer._filter_tps_with_pending_acks())
    assert {tp: scene.consumer._new_offset(tp) for tp in tps} == {TEXTS: 4, ORDERS: 2}
    assert list(scene.consumer._filter_tps_with_pending_acks({"orders"})) == [ORDERS]


@in_a_loop
async def test_what_cannot_be_read_is_a_fetchs_to_reject_and_skipped_for_other_topics(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    rejection = of_a_record("it is damaged")
    for tp in (TEXTS, ORDERS):
        scene.kafka.produce(tp, range(4))
        parsed = ParsedRecord(1, -1, 0, None, b"v", (), "", 1)
        scene.kafka.records[tp][1] = unreadable(TopicPartition(*tp), parsed, rejection)
    await scene.join(TEXTS, ORDERS)
    await scene.turn()
    (fetch,) = scene.fetches
    assert (len(fetch), fetch.unreadable) == (4, {1: rejection})
    assert scene.offsets(ORDERS) == [0, 2, 3]
    scene.intake.telemetry.flush()  # the second line is due only in ten seconds
    for topic, outcome in ((ORDERS.topic, "is skipped"), (TEXTS.topic, "becomes a dead letter")):
        assert f"{topic}-0@1: the record cannot be read: it is damaged; it {outcome}" in caplog.text


@in_a_loop
async def test_a_full_buffer_pauses_other_topics_only() -> None:
    scene = Scene()
    await scene.join(TEXTS, ORDERS)
    scene.consumer.on_buffer_full(TEXTS)
    scene.consumer.on_buffer_full(ORDERS)
    assert scene.consumer._active_partitions == {TEXTS}
    scene.consumer.on_buffer_drop(TEXTS)
    scene.consumer.on_buffer_drop(ORDERS)
    assert scene.consumer._active_partitions == {TEXTS, ORDERS}

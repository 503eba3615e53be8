"""Events without a text are answered as the setting says, and counted."""

import asyncio

import pytest
from unit.pipeline.bench import TOPIC, Bench, fetch_of, with_pipeline, words

from worker.codec.codec import STEP
from worker.delivery.answers import RefusedOutput
from worker.delivery.ledger import Partition
from worker.errors import Reason

NO_TEXT = b'{"after": null, "op": "d"}'
MIXED = [words(3), NO_TEXT, b"not json", NO_TEXT, words(2), NO_TEXT]


@pytest.mark.parametrize("on_no_text", ["dead_letter", "forward", "skip"])
def test_events_without_a_text_are_answered_as_the_setting_says_in_order_and_counted(on_no_text: str) -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of(list(MIXED)))
        await bench.until(lambda: bench.ledger.unacknowledged() + len(bench.answers) > 0)
        await bench.until(lambda: bench.statistics().in_flight_batches == 0)
        await bench.until(lambda: bench.statistics().waiting_texts == 0)
        bench.acknowledge_all()
        assert bench.ledger.committable(Partition(TOPIC, 0)) == len(MIXED)
        outputs = [
            (index, value)
            for answer in bench.answers
            for group in answer.outputs
            for index, value in zip(group.indexes, group.values, strict=True)
        ]
        rejected = {index for answer in bench.answers for index in answer.rejected}
        assert rejected == ({1, 2, 3, 5} if on_no_text == "dead_letter" else {2})
        assert [index for index, _ in outputs] == ([0, 1, 3, 4, 5] if on_no_text == "forward" else [0, 4])
        assert all(value == NO_TEXT for index, value in outputs if index in (1, 3, 5))
        found = bench.statistics()
        assert (found.received, found.published, found.pending_events) == (6, 2, 0)
        assert (found.dead_lettered, found.forwarded, found.skipped) == {
            "dead_letter": (4, 0, 0),
            "forward": (1, 3, 0),
            "skip": (1, 0, 3),
        }[on_no_text]

    with_pipeline(body, on_no_text=on_no_text)


def test_a_forwarded_event_that_the_broker_refuses_counts_once_as_a_dead_letter() -> None:
    async def body(bench: Bench) -> None:
        fetch = fetch_of([NO_TEXT, NO_TEXT])
        await bench.submit(fetch)
        (answer,) = bench.answers
        bench.acknowledge(answer, [RefusedOutput("sentiment-events", 1, Reason.OUTPUT_REFUSED)])
        found = bench.statistics()
        assert found.dead_letter_reasons == {"output_refused": 1}
        assert (found.received, found.published, found.forwarded, found.dead_lettered) == (2, 0, 1, 1)

    with_pipeline(body, on_no_text="forward")


def test_a_fetch_of_skipped_events_alone_moves_the_offset_although_nothing_is_published() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([NO_TEXT] * 5))
        assert bench.answers == []
        assert bench.ledger.committable(Partition(TOPIC, 0)) == 5
        found = bench.statistics()
        assert (found.received, found.skipped, found.pending_events, found.pending_bytes) == (5, 5, 0, 0)
        assert await bench.pipeline.drain(bench.within(5), work_off=bench.within(2))

    with_pipeline(body, on_no_text="skip", max_consecutive_invalid=1)


def test_skipped_events_wait_for_those_before_them() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)]))
        await bench.submit(fetch_of([NO_TEXT], first=1))
        await bench.until(lambda: bool(bench.answers))
        assert bench.ledger.committable(Partition(TOPIC, 0)) is None
        bench.acknowledge_all()
        assert bench.ledger.committable(Partition(TOPIC, 0)) == 2

    with_pipeline(body, on_no_text="skip")


def test_the_loop_does_other_work_between_the_steps_of_a_decode() -> None:
    async def body(bench: Bench) -> None:
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        loop = asyncio.get_running_loop()
        loop.call_soon(turn)
        await bench.submit(fetch_of([NO_TEXT] * (9 * STEP)))
        assert turns >= 9

    with_pipeline(body, on_no_text="skip")

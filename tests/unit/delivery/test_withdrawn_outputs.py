"""Nothing of a withdrawn fetch is sent once that is known, and what is kept goes on."""

import asyncio
import logging
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
)
from unit.delivery.scripted_broker import Bench, idle, publish, range_of, with_publisher


def test_what_is_not_wanted_any_more_is_not_sent() -> None:
    async def body(bench: Bench) -> None:
        gone, kept = range_of(3), range_of(2)
        publish(bench, gone, [b"gone"] * 3)
        bench.publisher.withdraw([gone.fetch])
        publish(bench, kept, [b"kept"] * 2)
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2
        assert bench.delivered == [(kept, 0)]

    with_publisher(body)


def test_while_no_producer_id_is_given_the_log_says_so_and_what_is_withdrawn_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:

    async def body(bench: Bench) -> None:
        bench.producer.controller_away = True
        gone = range_of(3)
        publish(bench, gone, [b"gone"] * 3)
        await bench.until(lambda: bool(caplog.messages))
        assert bench.producer.ids_asked_for > 1
        assert caplog.messages == [
            "out[0] cannot be written to (GroupLoadInProgressError): it is tried again until it works; what is "
            "not written is not committed"
        ]
        bench.publisher.withdraw([gone.fetch])
        await bench.until(lambda: not bench.publisher._senders[TopicPartition("out", 0)]._queue and idle(bench))
        publish(bench, range_of(2), [b"kept"] * 2)
        bench.producer.controller_away = False
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2
        assert bench.producer.identities[-1] == (8, 0, 0)  # not the numbers that the broker does not know
        assert bench.failures == []

    with caplog.at_level(logging.WARNING, "worker.delivery"):
        with_publisher(body, troubles=[(OutOfOrderSequenceNumber(), False)])


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, and the answer lost"])
def test_what_is_not_wanted_any_more_is_not_sent_again_and_the_rest_goes_on(written: bool) -> None:
    """Whether the first attempt was written or not: its numbers are not used again, and nothing of it comes later."""

    async def body(bench: Bench) -> None:
        gone, kept = range_of(3), range_of(2)
        publish(bench, gone, [b"gone"] * 3)
        publish(bench, kept, [b"kept"] * 2)
        await bench.until(lambda: bench.producer.batches == 1)
        bench.publisher.withdraw([gone.fetch])
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == ([b"gone"] * 3 + [b"kept"] * 2 if written else []) + [b"kept"] * 2
        later = range_of(1)
        publish(bench, later, [b"later"])
        await bench.until(lambda: len(bench.delivered) == 2)
        assert bench.producer.values("out")[-1] == b"later"
        assert bench.failures == []

    with_publisher(body, troubles=[(RequestTimedOutError(), written)])


def test_a_batch_that_is_not_wanted_when_its_bytes_would_go_out_stays_here() -> None:
    async def body(bench: Bench) -> None:
        gone = range_of(3)
        publish(bench, gone, [b"gone"] * 3)
        await asyncio.sleep(0)  # the sender has made the batch and waits for the connection
        bench.publisher.withdraw([gone.fetch])
        publish(bench, range_of(2), [b"kept"] * 2)
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2

    with_publisher(body)


def test_what_the_broker_takes_of_a_fetch_that_is_withdrawn_meanwhile_is_not_acknowledged() -> None:
    gone, kept = range_of(1), range_of(1)
    benches: list[Bench] = []

    def withdraws(_: str, records: list[Any]) -> None:
        if records[0].value == b"gone":
            benches[0].publisher.withdraw([gone.fetch])

    async def body(bench: Bench) -> None:
        benches.append(bench)
        publish(bench, gone, [b"gone"])
        await bench.until(lambda: bench.producer.values("out") == [b"gone"])
        publish(bench, kept, [b"kept"])
        await bench.until(lambda: bool(bench.acknowledged))
        assert bench.delivered == [(kept, 0)]
        assert bench.failures == []

    with_publisher(body, withdraws)

"""Outputs that the broker refuses become dead letters, and the rest goes on."""

from functools import partial
from typing import Any

import pytest
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.delivery.scripted_broker import Bench, publish, range_of, refusing, with_publisher

from worker.delivery.outcomes import RequestCutOffError
from worker.errors import CircuitOpenError, Reason


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.data())
def test_exactly_the_refused_outputs_become_dead_letters_and_the_rest_stays_in_order(
    count: int, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1)))

    async def body(bench: Bench) -> None:
        completed = range_of(count)
        values = [b"%03d" % number for number in range(count)]
        publish(bench, completed, list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered == [(completed, len(bad))]
        assert bench.producer.values("out") == [value for number, value in enumerate(values) if number not in bad]
        letters = sorted(int(dict(r.headers)["__dlq.errors.offset"]) for r in bench.producer.log.get(("dead", 0), []))
        assert letters == sorted(bad)
        assert [event.reason for event in bench.refused] == [Reason.OUTPUT_REFUSED] * len(bad)
        assert bench.failures == []

    with_publisher(body, refusing(*(b"%03d" % number for number in bad), error=InvalidTimestampError))


def test_a_topic_that_takes_only_small_batches_gets_small_batches() -> None:
    async def body(bench: Bench) -> None:
        for _ in range(6):
            publish(bench, range_of(40), [b"x" * 10] * 40)
        await bench.until(lambda: len(bench.delivered) == 6)
        assert len(bench.producer.values("out")) == 240
        assert bench.refused == []

    with_publisher(body, lambda _, records: MessageSizeTooLargeError if len(records) > 10 else None, batch_size=5_000)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(CorruptRecordException, Reason.OUTPUT_REFUSED), (RequestCutOffError, Reason.OUTPUT_TOO_LARGE)],
)
def test_a_batch_that_never_arrives_whole_is_looked_through(error: type[KafkaError], reason: Reason) -> None:
    async def body(bench: Bench) -> None:
        values = [b"%d" % number for number in range(8)]
        publish(bench, range_of(8), list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == values[:5] + values[6:]
        assert bench.producer.values("dead") == [b"in"]
        assert [(event.index, event.reason) for event in bench.refused] == [(5, reason)]

    with_publisher(body, refusing(b"5", error=error))


def test_a_flood_of_refusals_that_the_broker_names_costs_one_more_request_a_batch() -> None:
    async def body(bench: Bench) -> None:
        values = [b"%03d" % number for number in range(200)]
        publish(bench, range_of(200), list(values))
        await bench.until(lambda: bool(bench.delivered))
        (_, dead), *_ = bench.delivered
        assert dead == 150
        assert bench.producer.values("out") == [value for value in values if int(value) % 4 == 0]
        letters = [int(dict(r.headers)["__dlq.errors.offset"]) for r in bench.producer.log["dead", 0]]
        assert letters == [number for number in range(200) if number % 4]
        assert bench.metrics.produce_refused_records.by_label() == {"out": 150}
        assert bench.producer.requests["out"] < 20  # the eight batches that 200 records fill, twice

    def refuses(topic: str, records: list[Any]) -> type[KafkaError] | None:
        bad = topic == "out" and any(int(record.value) % 4 for record in records)
        return InvalidTimestampError if bad else None

    with_publisher(body, refuses, names_records=True, batch_size=2_000)


def test_a_flood_of_refused_outputs_is_a_flood_and_one_that_is_taken_ends_its_run() -> None:
    bad, good = [b"bad"] * 9, [b"good"]

    async def body(bench: Bench) -> None:
        for number, values in enumerate([bad + good, bad, good, bad], start=1):
            publish(bench, range_of(len(values)), list(values))
            await bench.until(partial(lambda count: len(bench.acknowledged) == count, number))
        publish(bench, range_of(9), list(bad))
        await bench.until(lambda: bool(bench.failures))
        (failure,) = bench.failures
        assert isinstance(failure, CircuitOpenError)
        assert "(max_consecutive_invalid) are refused by out" in str(failure)
        assert len(bench.producer.values("dead")) == 27
        assert {output.reason for output in bench.refused} == {Reason.OUTPUT_REFUSED}

    refuses = refusing(b"bad", error=InvalidTimestampError)
    with_publisher(body, refuses, names_records=True, batch_size=2_000, max_consecutive_invalid=9)


def test_records_larger_than_one_that_was_refused_are_not_sent_to_be_refused_too() -> None:
    async def body(bench: Bench) -> None:
        values = [b"x" * (900 + number) if number % 3 == 1 else b"x" for number in range(300)]
        publish(bench, range_of(300), list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered[0][1] == 100
        assert bench.producer.values("out") == [b"x"] * 200
        # A hundred for the good ones, which are in twos between them, and what it took to learn the size.
        assert bench.producer.requests["out"] < 160

    def refuses(topic: str, records: list[Any]) -> type[KafkaError] | None:
        large = topic == "out" and sum(len(record.value) for record in records) > 800
        return MessageSizeTooLargeError if large else None

    with_publisher(body, refuses, batch_size=10_000)

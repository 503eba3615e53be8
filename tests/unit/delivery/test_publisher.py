"""Order, topics and acknowledgements."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from unit.delivery.scripted_broker import BAD, Bench, Verdict, publish, range_of, refusing, with_publisher

from worker.delivery.answers import Acknowledgement, Answer, Outputs, RefusedOutput
from worker.delivery.ledger import CompletedRange
from worker.errors import BrokerError, Reason


def test_outputs_keep_order_key_headers_and_timestamp() -> None:
    async def body(bench: Bench) -> None:
        completed = range_of(30)
        values = [b"%03d" % number for number in range(30)]
        publish(bench, completed, list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == values
        assert bench.producer.batches > 1
        first = bench.producer.log["out", 0][0]
        assert (first.key, first.timestamp, list(first.headers)) == (b"k", 1_000, [("h", None), ("h", b"2")])

    with_publisher(body)


def test_a_dead_letter_keeps_key_value_and_headers_and_says_why() -> None:
    async def body(bench: Bench) -> None:
        completed = range_of(2)
        publish(bench, completed, [b"fine"], {1: BAD})
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered == [(completed, 1)]
        (letter,) = bench.producer.log["dead", 0]
        assert (letter.key, letter.value) == (b"k", b"in")
        headers = list(letter.headers)
        assert headers[:2] == [("h", None), ("h", b"2")]
        assert dict(headers[2:]) == {
            "__dlq.errors.topic": b"in",
            "__dlq.errors.partition": b"0",
            "__dlq.errors.offset": b"1",
            "__dlq.errors.timestamp": b"1000",
            "__dlq.errors.group": b"group",
            "__dlq.errors.stage": b"decode",
            "__dlq.errors.reason": b"not_json",
            "__dlq.errors.exception": b"",
            "__dlq.errors.message": b"is not JSON",
            "__dlq.errors.attempts": b"1",
        }
        assert letter.timestamp > 1_000_000_000_000

    with_publisher(body)


def test_without_as_many_partitions_a_key_goes_where_kafkas_partitioner_puts_it() -> None:
    async def body(bench: Bench) -> None:
        completed = range_of(60, key=lambda offset: b"key-%d" % (offset % 6))
        publish(bench, completed, [b"%d" % (number % 6) for number in range(60)])
        await bench.until(lambda: bool(bench.delivered))
        places = {
            value: [partition for (_, partition), log in bench.producer.log.items() if value in {r.value for r in log}]
            for value in (b"0", b"1", b"2", b"3", b"4", b"5")
        }
        # murmur2(key) & 0x7fffffff, modulo 3, as Java and kafka-python compute it.
        assert places == {b"0": [1], b"1": [0], b"2": [2], b"3": [2], b"4": [0], b"5": [2]}
        assert sum(len(log) for log in bench.producer.log.values()) == 60

    with_publisher(body, partitions=3)


def test_a_topic_that_grows_while_the_worker_runs_is_noticed() -> None:
    async def body(bench: Bench) -> None:
        publish(bench, range_of(1), [b"before"])
        bench.producer.counts["out"] = 3
        for number in range(6):
            key = b"key-%d" % number
            publish(bench, range_of(1, key=partial(lambda key, _: key, key)), [b"%d" % number])
        await bench.until(lambda: len(bench.acknowledged) == 7)
        places = [bench.producer.values("out", partition) for partition in range(3)]
        assert places == [[b"before", b"1", b"4"], [b"0"], [b"2", b"3", b"5"]]

    with_publisher(body)


def test_a_partition_that_the_output_topic_lacks_goes_by_key() -> None:
    """A topic that grew after the start: nobody told us how many partitions it has now."""

    async def body(bench: Bench) -> None:
        completed = range_of(2)
        grown = CompletedRange(replace(completed.fetch, partition=5), 0, 2)
        publish(bench, grown, [b"a", b"b"])
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"a", b"b"]

    with_publisher(body)


def test_a_dead_letter_that_its_topic_is_too_small_for_goes_without_its_value() -> None:
    def refuses(topic: str, records: list[Any]) -> type[KafkaError] | None:
        large = any(len(record.value or b"") > 100 for record in records)
        return MessageSizeTooLargeError if topic == "dead" and large else None

    async def body(bench: Bench) -> None:
        completed = range_of(3, value=b"x" * 200, headers=(("h", b"1"),))
        publish(bench, completed, [b"a", b"b"], {1: BAD})
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered == [(completed, 1)]
        (letter,) = bench.producer.log["dead", 0]
        assert (letter.key, letter.value) == (b"k", b"")
        headers = dict(letter.headers)
        assert headers["__dlq.errors.value_left_out"] == b"200"
        assert (headers["__dlq.errors.offset"], headers["__dlq.errors.reason"]) == (b"1", b"not_json")
        assert bench.failures == []

    with_publisher(body, refuses, batch_size=5_000)


def test_a_dead_letter_whose_time_is_refused_goes_without_one() -> None:
    def refuses(topic: str, records: list[Any]) -> type[KafkaError] | None:
        dated = topic == "dead" and any(record.timestamp != -1 for record in records)
        return InvalidTimestampError if dated else None

    async def body(bench: Bench) -> None:
        publish(bench, range_of(3), [b"a"], {1: BAD, 2: BAD})
        await bench.until(lambda: bool(bench.delivered))
        letters = bench.producer.log["dead", 0]
        assert [(letter.timestamp, letter.value) for letter in letters] == [(-1, b"in")] * 2
        assert dict(letters[0].headers)["__dlq.errors.timestamp_left_out"] == b"1"

    with_publisher(body, refuses, names_records=True)


@pytest.mark.parametrize(
    ("refuses", "kind", "sentence"),
    [
        pytest.param(
            lambda topic, _: TopicAuthorizationFailedError if topic == "out" else None,
            TopicAuthorizationFailedError,  # whose sentence names the user, and is not the publisher's
            "TopicAuthorizationFailed",
            id="the output topic does not let us write",
        ),
        pytest.param(
            lambda topic, records: MessageSizeTooLargeError,
            BrokerError,
            "raise its max.message.bytes",
            id="not even the dead letter is taken",
        ),
    ],
)
def test_when_the_broker_takes_nothing_the_publisher_fails_and_nothing_is_delivered(
    refuses: Verdict, kind: type[Exception], sentence: str
) -> None:
    async def body(bench: Bench) -> None:
        publish(bench, range_of(2), [b"a", b"b"])
        await bench.until(lambda: bool(bench.failures))
        assert isinstance(bench.failures[0], kind)
        assert sentence in str(bench.failures[0])
        assert bench.delivered == []

    with_publisher(body, refuses)


def test_an_answer_is_acknowledged_once_with_its_outputs_for_every_topic_and_its_dead_letters() -> None:
    async def body(bench: Bench) -> None:
        completed = range_of(5)
        bench.producer.counts["route"] = 1
        first = Outputs("out", [0, 2, 3, 4], [b"a", b"b", b"c", b"bad"], [()] * 4)
        second = Outputs("route", [2, 4], [b"d", b"e"], [()] * 2)
        bench.publisher.publish(Answer(completed, [first, second], {1: BAD}))
        await bench.until(lambda: bool(bench.acknowledged))
        values = [bench.producer.values(topic) for topic in ("out", "route", "dead")]
        assert values == [[b"a", b"b", b"c"], [b"d", b"e"], [b"in", b"in"]]
        refused = RefusedOutput("out", 4, Reason.OUTPUT_TOO_LARGE)
        assert bench.acknowledged == [Acknowledgement(completed, dead_letters=2, refused=[refused])]

    with_publisher(body, refusing(b"bad"))

"""Order, refusals and acknowledgements, on aiokafka's own batches with a broker that follows a script."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiokafka.errors import InvalidTimestampError, KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.delivery.ledger import Release
from worker.delivery.publisher import Publisher
from worker.errors import BrokerError, Reason, Rejection, Stage
from worker.fetch import Fetch

BAD = Rejection(Reason.NOT_JSON, Stage.DECODE, "is not JSON")
Verdict = Callable[[str, list[Any]], type[KafkaError] | None]


@dataclass(frozen=True)
class StubRecord:
    offset: int
    key: bytes | None = b"k"
    value: bytes | None = b"in"
    timestamp: int = 1_000
    headers: tuple[tuple[str, bytes | None], ...] = (("h", None), ("h", b"2"))


class Sequences:
    """Stands in for the producer's transaction manager: how far the numbering is."""

    def __init__(self) -> None:
        self.next: dict[Any, int] = {}

    def increment_sequence_number(self, target: Any, count: int) -> None:
        self.next[target] = self.next.get(target, 0) + count


class ScriptedProducer:
    """Takes batches as a broker would: in sequence, unless ``refuses`` says why not."""

    def __init__(self, refuses: Verdict, batch_size: int) -> None:
        self._refuses = refuses
        self._batch_size = batch_size
        self._txn_manager = Sequences()
        self.log: dict[tuple[str, int], list[Any]] = {}
        self.batches = 0

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self._batch_size, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.batches += 1
        target, count = (topic, partition), batch.record_count()
        records = [*MemoryRecords(bytes(batch._build())).next_batch()]
        error = self._refuses(topic, records)
        log = self.log.setdefault(target, [])
        assert self._txn_manager.next.get(target, 0) == len(log), "out of sequence"
        self._txn_manager.increment_sequence_number(target, count)
        if error is None:
            log.extend(records)
            asyncio.get_running_loop().call_soon(future.set_result, None)
        else:
            asyncio.get_running_loop().call_soon(future.set_exception, error())
        return future

    def values(self, topic: str, partition: int = 0) -> list[bytes]:
        return [record.value for record in self.log.get((topic, partition), [])]


@dataclass
class Bench:
    publisher: Publisher
    producer: ScriptedProducer
    delivered: list[tuple[Release, int]] = field(default_factory=list)
    refused: list[Rejection] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    unwanted: set[Fetch] = field(default_factory=set)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0)


def with_publisher(
    body: Callable[[Bench], Any], refuses: Verdict = lambda *_: None, partitions: int = 1, batch_size: int = 400
) -> None:
    async def run() -> None:
        bench: Bench
        producer = ScriptedProducer(refuses, batch_size)
        publisher = Publisher(
            producer,
            "out",
            "dead",
            "group",
            partitions={"in": 1, "out": partitions, "dead": 1},
            wanted=lambda release: release.fetch not in bench.unwanted,
            delivered=lambda release, dead: bench.delivered.append((release, dead)),
            refused=lambda rejection: bench.refused.append(rejection),
            failed=lambda error: bench.failures.append(error),
        )
        bench = Bench(publisher, producer)
        await body(bench)
        await publisher.close()

    asyncio.run(run())


def release_of(count: int, key: Callable[[int], bytes | None] = lambda _: b"k", **record: Any) -> Release:
    fetch = Fetch("in", 0, [StubRecord(offset, key(offset), **record) for offset in range(count)], count, 0.0)
    return Release(fetch, 0, count)


def publish(
    bench: Bench, release: Release, values: list[bytes | None], rejected: dict[int, Rejection] | None = None
) -> None:
    slots = [slot for slot in range(release.start, release.stop) if slot not in (rejected or {})]
    headers = [release.fetch.records[slot].headers for slot in slots]
    bench.publisher.publish(release, slots, values, headers, rejected or {})


def refusing(*bad: bytes, error: type[KafkaError] = MessageSizeTooLargeError) -> Verdict:
    return lambda topic, records: error if topic == "out" and any(r.value in bad for r in records) else None


def test_outputs_keep_order_key_headers_and_timestamp() -> None:
    async def body(bench: Bench) -> None:
        release = release_of(30)
        values = [b"%03d" % number for number in range(30)]
        publish(bench, release, list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == values
        assert bench.producer.batches > 1
        first = bench.producer.log["out", 0][0]
        assert (first.key, first.timestamp, list(first.headers)) == (b"k", 1_000, [("h", None), ("h", b"2")])

    with_publisher(body)


def test_a_dead_letter_keeps_key_value_and_headers_and_says_why() -> None:
    async def body(bench: Bench) -> None:
        release = release_of(2)
        publish(bench, release, [b"fine"], {1: BAD})
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered == [(release, 1)]
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


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.data())
def test_exactly_the_refused_outputs_become_dead_letters_and_the_rest_stays_in_order(
    count: int, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1)))

    async def body(bench: Bench) -> None:
        release = release_of(count)
        values = [b"%03d" % number for number in range(count)]
        publish(bench, release, list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered == [(release, len(bad))]
        assert bench.producer.values("out") == [value for number, value in enumerate(values) if number not in bad]
        letters = sorted(int(dict(r.headers)["__dlq.errors.offset"]) for r in bench.producer.log.get(("dead", 0), []))
        assert letters == sorted(bad)
        assert [rejection.reason for rejection in bench.refused] == [Reason.OUTPUT_REFUSED] * len(bad)
        assert bench.failures == []

    with_publisher(body, refusing(*(b"%03d" % number for number in bad), error=InvalidTimestampError))


def test_a_topic_that_takes_only_small_batches_gets_small_batches() -> None:
    async def body(bench: Bench) -> None:
        for _ in range(6):
            publish(bench, release_of(40), [b"x" * 10] * 40)
        await bench.until(lambda: len(bench.delivered) == 6)
        assert len(bench.producer.values("out")) == 240
        assert bench.refused == []

    with_publisher(body, lambda _, records: MessageSizeTooLargeError if len(records) > 10 else None, batch_size=5_000)


def test_without_as_many_partitions_a_key_goes_where_kafkas_partitioner_puts_it() -> None:
    async def body(bench: Bench) -> None:
        release = release_of(60, key=lambda offset: b"key-%d" % (offset % 6))
        publish(bench, release, [b"%d" % (number % 6) for number in range(60)])
        await bench.until(lambda: bool(bench.delivered))
        places = {
            value: [partition for (_, partition), log in bench.producer.log.items() if value in {r.value for r in log}]
            for value in (b"0", b"1", b"2", b"3", b"4", b"5")
        }
        # murmur2(key) & 0x7fffffff, modulo 3, as Java and kafka-python compute it.
        assert places == {b"0": [1], b"1": [0], b"2": [2], b"3": [2], b"4": [0], b"5": [2]}
        assert sum(len(log) for log in bench.producer.log.values()) == 60

    with_publisher(body, partitions=3)


def test_a_partition_that_the_output_topic_lacks_goes_by_key() -> None:
    """A topic that grew after the start: nobody told us how many partitions it has now."""

    async def body(bench: Bench) -> None:
        release = release_of(2)
        grown = Release(replace(release.fetch, partition=5), 0, 2)
        publish(bench, grown, [b"a", b"b"])
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"a", b"b"]

    with_publisher(body)


def test_a_dead_letter_that_its_topic_is_too_small_for_goes_without_its_value() -> None:
    def refuses(topic: str, records: list[Any]) -> type[KafkaError] | None:
        large = any(len(record.value or b"") > 100 for record in records)
        return MessageSizeTooLargeError if topic == "dead" and large else None

    async def body(bench: Bench) -> None:
        release = release_of(3, value=b"x" * 200, headers=(("h", b"1"),))
        publish(bench, release, [b"a", b"b"], {1: BAD})
        await bench.until(lambda: bool(bench.delivered))
        assert bench.delivered == [(release, 1)]
        (letter,) = bench.producer.log["dead", 0]
        assert (letter.key, letter.value) == (b"k", b"")
        headers = dict(letter.headers)
        assert headers["__dlq.errors.value_left_out"] == b"200"
        assert (headers["__dlq.errors.offset"], headers["__dlq.errors.reason"]) == (b"1", b"not_json")
        assert bench.failures == []

    with_publisher(body, refuses, batch_size=5_000)


def test_what_is_not_wanted_any_more_is_not_sent() -> None:
    async def body(bench: Bench) -> None:
        gone, kept = release_of(3), release_of(2)
        bench.unwanted.add(gone.fetch)
        publish(bench, gone, [b"gone"] * 3)
        publish(bench, kept, [b"kept"] * 2)
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2
        assert bench.delivered == [(kept, 0)]

    with_publisher(body)


@pytest.mark.parametrize(
    ("refuses", "sentence"),
    [
        pytest.param(
            lambda topic, _: TopicAuthorizationFailedError if topic == "out" else None,
            "may this user write to the topic",
            id="the output topic does not let us write",
        ),
        pytest.param(
            lambda topic, records: MessageSizeTooLargeError,
            "raise its max.message.bytes",
            id="not even the dead letter is taken",
        ),
    ],
)
def test_when_the_broker_takes_nothing_the_publisher_fails_and_nothing_is_delivered(
    refuses: Verdict, sentence: str
) -> None:
    async def body(bench: Bench) -> None:
        publish(bench, release_of(2), [b"a", b"b"])
        await bench.until(lambda: bool(bench.failures))
        assert isinstance(bench.failures[0], BrokerError)
        assert sentence in str(bench.failures[0])
        assert bench.delivered == []

    with_publisher(body, refuses)

"""Order, refusals and acknowledgements, on aiokafka's own batches with a broker that follows a script."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    GroupLoadInProgressError,
    InvalidProducerEpoch,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.delivery.breaker import Event
from worker.delivery.ledger import CompletedRange
from worker.delivery.outcomes import REFUSALS, RequestCutOffError, SessionUnconfirmedError
from worker.delivery.partition_sender import MAX_BATCH_BYTES
from worker.delivery.produce_client import Refusal
from worker.delivery.publisher import Publisher
from worker.errors import BrokerError, Reason, Rejection, Stage
from worker.fetch import Fetch

BAD = Rejection(Reason.NOT_JSON, Stage.DECODE, "is not JSON")
Verdict = Callable[[str, list[Any]], type[KafkaError] | None]
Trouble = tuple[KafkaError, bool] | None


@dataclass(frozen=True)
class StubRecord:
    offset: int
    key: bytes | None = b"k"
    value: bytes | None = b"in"
    timestamp: int = 1_000
    headers: tuple[tuple[str, bytes | None], ...] = (("h", None), ("h", b"2"))


class ScriptedBroker:
    """Takes batches as a broker does: each once, in sequence, unless ``refuses`` says why not.

    Args:
        refuses: the error for a batch of these records of a topic; None takes it.
        troubles: what happens to the first requests, one after the other: None lets a request through, an error is
            raised instead, and with ``True`` beside it, after the batch was written.
        names_records: whether a refusal tells the records that are at fault, as Kafka does since 2.4.
    """

    producer_id = 7

    def __init__(self, refuses: Verdict, batch_size: int, troubles: list[Trouble], names_records: bool) -> None:
        self._refuses = refuses
        self._batch_size = batch_size
        self._troubles = troubles
        self._names_records = names_records
        self._states: dict[Any, tuple[int, int, int]] = {}
        self._last: dict[Any, tuple[int, int, int]] = {}
        self._ids = self.producer_id
        self.controller_away = False
        self.ids_asked_for = 0
        self.log: dict[tuple[str, int], list[Any]] = {}
        self.batches = 0
        self.identities: list[tuple[int, int, int]] = []
        self.requests: Counter[str] = Counter()

    async def new_producer_id(self) -> int:
        self.ids_asked_for += 1
        if self.controller_away:
            raise GroupLoadInProgressError()
        self._ids += 1
        return self._ids

    def builder(self, max_bytes: int) -> DefaultRecordBatchBuilder:
        size = self._batch_size if max_bytes == MAX_BATCH_BYTES else max_bytes
        return DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, size)

    async def produce(self, target: Any, data: bytes, check: Callable[[], None]) -> Refusal | None:
        await asyncio.sleep(0)
        check()
        self.batches += 1
        self.requests[target.topic] += 1
        trouble = self._troubles.pop(0) if self._troubles else None
        error, written = trouble if trouble else (None, True)
        answer = self._take(target, data) if written else None
        if error is not None:
            raise error
        if isinstance(answer, KafkaError):
            raise answer
        return answer

    def _take(self, target: Any, data: bytes) -> Refusal | KafkaError | None:
        batch = MemoryRecords(data).next_batch()
        identity = (batch.producer_id, batch.producer_epoch, batch.base_sequence)
        records = [*batch]
        self.identities.append(identity)
        if self._last.get(target) == identity:
            return None
        producer, epoch, sequence = identity
        known = self._states.get(target)
        if known is not None and known[0] == producer and epoch < known[1]:
            return InvalidProducerEpoch()
        expected = known[2] if known is not None and known[:2] == (producer, epoch) else 0
        if sequence != expected:
            return OutOfOrderSequenceNumber()
        if error := self._refuses(target.topic, records):
            if not issubclass(error, REFUSALS):
                return error()
            alone = [index for index, record in enumerate(records) if self._refuses(target.topic, [record])]
            return Refusal(error(), tuple(alone) if self._names_records else ())
        self._states[target] = (producer, epoch, sequence + len(records))
        self._last[target] = identity
        self.log.setdefault((target.topic, target.partition), []).extend(records)
        return None

    def forget_producers(self) -> None:
        """As a broker does that lost data: numbers that do not start anew are out of order."""
        self._states = dict.fromkeys(self._states, (-1, 0, 0))
        self._last.clear()

    def values(self, topic: str, partition: int = 0) -> list[bytes]:
        return [record.value for record in self.log.get((topic, partition), [])]


@dataclass
class Bench:
    publisher: Publisher
    producer: ScriptedBroker
    delivered: list[tuple[CompletedRange, int]] = field(default_factory=list)
    batches: list[tuple[int, list[Event]]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    unwanted: set[Fetch] = field(default_factory=set)

    @property
    def refused(self) -> list[Event]:
        return [event for _, events in self.batches for event in events]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0)


def with_publisher(
    body: Callable[[Bench], Any],
    refuses: Verdict = lambda *_: None,
    partitions: int = 1,
    batch_size: int = 400,
    troubles: Sequence[Trouble] = (),
    names_records: bool = False,
) -> None:
    async def run() -> None:
        bench: Bench
        broker = ScriptedBroker(refuses, batch_size, list(troubles), names_records)
        publisher = Publisher(
            broker,
            "out",
            "dead",
            "group",
            partitions={"in": 1, "out": partitions, "dead": 1}.__getitem__,
            wanted=lambda completed: completed.fetch not in bench.unwanted,
            delivered=lambda completed, dead: bench.delivered.append((completed, dead)),
            taken=lambda size: bench.batches.append((size, [])),
            refused=lambda size, events: bench.batches.append((size, list(events))),
            failed=lambda error: bench.failures.append(error),
        )
        bench = Bench(publisher, broker)
        await body(bench)
        await publisher.close()

    asyncio.run(run())


def range_of(count: int, key: Callable[[int], bytes | None] = lambda _: b"k", **record: Any) -> CompletedRange:
    fetch = Fetch("in", 0, [StubRecord(offset, key(offset), **record) for offset in range(count)], count, 0.0)
    return CompletedRange(fetch, 0, count)


def publish(
    bench: Bench, completed: CompletedRange, values: list[bytes | None], rejected: dict[int, Rejection] | None = None
) -> None:
    indexes = [index for index in range(completed.start, completed.stop) if index not in (rejected or {})]
    headers = [completed.fetch.records[index].headers for index in indexes]
    bench.publisher.publish(completed, indexes, values, headers, rejected or {})


def refusing(*bad: bytes, error: type[KafkaError] = MessageSizeTooLargeError) -> Verdict:
    return lambda topic, records: error if topic == "out" and any(r.value in bad for r in records) else None


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


def test_what_is_not_wanted_any_more_is_not_sent() -> None:
    async def body(bench: Bench) -> None:
        gone, kept = range_of(3), range_of(2)
        bench.unwanted.add(gone.fetch)
        publish(bench, gone, [b"gone"] * 3)
        publish(bench, kept, [b"kept"] * 2)
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2
        assert bench.delivered == [(kept, 0)]

    with_publisher(body)


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


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, and the answer lost"])
def test_a_batch_of_unknown_fate_is_sent_again_and_is_there_once(written: bool) -> None:
    async def body(bench: Bench) -> None:
        values = [b"%03d" % number for number in range(60)]
        publish(bench, range_of(60), list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == values
        assert bench.failures == []

    with_publisher(body, troubles=[None, (RequestTimedOutError(), written), (NodeNotReadyError(), False)])


def test_who_sees_warnings_alone_sees_both_ends_of_a_trouble(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.delivery.retries.PATIENCE_SECONDS", 0.0)

    async def body(bench: Bench) -> None:
        publish(bench, range_of(1), [b"a"])
        await bench.until(lambda: bool(bench.delivered))
        said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert [sentence.split(":")[0] for sentence in said] == [
            "out[0] cannot be written to (NodeNotReadyError)",
            "outputs wait",
            "all of out can be written to again",
            "outputs wait no longer for the group's coordinator",
        ]

    with_publisher(body, troubles=[(NodeNotReadyError(), False), (SessionUnconfirmedError(), False)])


def test_a_broker_that_lost_our_numbers_gets_new_ones_and_every_record_in_order() -> None:
    async def body(bench: Bench) -> None:
        publish(bench, range_of(5), [b"a"] * 5)
        await bench.until(lambda: len(bench.delivered) == 1)
        bench.producer.forget_producers()
        publish(bench, range_of(5), [b"%d" % number for number in range(5)])
        await bench.until(lambda: len(bench.delivered) == 2)
        assert bench.producer.values("out")[5:] == [b"0", b"1", b"2", b"3", b"4"]
        assert bench.failures == []

    with_publisher(body)


def test_while_no_producer_id_is_given_the_log_says_so_and_what_is_withdrawn_is_dropped(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.delivery.partition_sender.backoff", lambda failures: 0.0)
    monkeypatch.setattr("worker.delivery.retries.PATIENCE_SECONDS", 0.05)

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
        bench.unwanted.add(gone.fetch)
        await bench.until(lambda: not bench.publisher._senders[TopicPartition("out", 0)]._queue and idle(bench))
        publish(bench, range_of(2), [b"kept"] * 2)
        bench.producer.controller_away = False
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2
        assert bench.producer.identities[-1] == (8, 0, 0)  # not the numbers that the broker does not know
        assert bench.failures == []

    with caplog.at_level(logging.WARNING, "worker.delivery"):
        with_publisher(body, troubles=[(OutOfOrderSequenceNumber(), False)])


def idle(bench: Bench) -> bool:
    """Whether the sender of outputs has nothing more to do."""
    task = bench.publisher._senders[TopicPartition("out", 0)]._task
    return task is None or task.done()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(CorruptRecordException, Reason.OUTPUT_REFUSED), (RequestCutOffError, Reason.OUTPUT_TOO_LARGE)],
)
def test_a_batch_that_never_arrives_whole_is_looked_through(
    error: type[KafkaError], reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.delivery.partition_sender.backoff", lambda failures: 0.0)

    async def body(bench: Bench) -> None:
        values = [b"%d" % number for number in range(8)]
        publish(bench, range_of(8), list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == values[:5] + values[6:]
        assert bench.producer.values("dead") == [b"in"]
        assert [(event.index, event.reason) for event in bench.refused] == [(5, reason)]

    with_publisher(body, refusing(b"5", error=error))


@pytest.mark.parametrize("error", [CorruptRecordException, RequestCutOffError])
def test_a_batch_that_did_not_arrive_whole_once_is_sent_again(error: type[KafkaError]) -> None:
    async def body(bench: Bench) -> None:
        publish(bench, range_of(3), [b"a"] * 3)
        await bench.until(lambda: bool(bench.delivered))
        assert (bench.producer.values("out"), bench.producer.values("dead")) == ([b"a"] * 3, [])

    with_publisher(body, troubles=[(error(), False)])


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, and the answer lost"])
def test_what_is_not_wanted_any_more_is_not_sent_again_and_the_rest_goes_on(written: bool) -> None:
    """Whether the first attempt was written or not: its numbers are not used again, and nothing of it comes later."""

    async def body(bench: Bench) -> None:
        gone, kept = range_of(3), range_of(2)
        publish(bench, gone, [b"gone"] * 3)
        publish(bench, kept, [b"kept"] * 2)
        await bench.until(lambda: bench.producer.batches == 1)
        bench.unwanted.add(gone.fetch)
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
        bench.unwanted.add(gone.fetch)
        publish(bench, range_of(2), [b"kept"] * 2)
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == [b"kept"] * 2

    with_publisher(body)


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
        assert sum(size for size, _ in bench.batches) == 200  # each counted once
        assert bench.producer.requests["out"] < 20  # the eight batches that 200 records fill, twice

    def refuses(topic: str, records: list[Any]) -> type[KafkaError] | None:
        bad = topic == "out" and any(int(record.value) % 4 for record in records)
        return InvalidTimestampError if bad else None

    with_publisher(body, refuses, names_records=True, batch_size=2_000)


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

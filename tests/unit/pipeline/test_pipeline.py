"""The pipeline's promises, with every step real but the model: any fetches, any order of acknowledgements."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.classifier.labels import Activation, VerdictTable
from worker.codec import Decoded
from worker.codec.codec import STEP
from worker.deadline import Deadline
from worker.decoding import DECODED_IN_THE_LOOP
from worker.delivery.answers import Acknowledgement, Answer, RefusedOutput
from worker.delivery.ledger import Ledger, Partition
from worker.errors import CircuitOpenError, DeviceError, Reason, Rejection, Stage
from worker.fetch import Fetch, Record
from worker.observability.statistics import Statistics, statistics
from worker.observability.telemetry import LINE_SECONDS, Telemetry
from worker.pipeline import Pipeline
from worker.settings import load_settings
from worker.tokens import PaddedBatch, Tokens
from worker.verdict import ModelCard

TOPIC = "text-events"
POISON = 666
BAD_PROBE = 13


@dataclass(frozen=True)
class StubRecord:
    offset: int
    value: bytes | None
    key: bytes | None = b"k"
    timestamp: int = 1
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Panic(BaseException):
    """As a Rust extension panics: no Exception."""


class CountingTokenizer:
    """As many tokens as the text has words; each is the word's length, or POISON. Panics over a "bomb"."""

    name = "words"

    def encode(self, texts: list[str]) -> Tokens:
        if any("bomb" in text for text in texts):
            raise Panic
        rows = [[POISON if word == "poison" else len(word) for word in text.split()] for text in texts]
        lengths = np.array([len(row) for row in rows], np.int32)
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
        return Tokens(np.array([*chain(*rows)], np.int32), lengths, starts, np.zeros(len(rows), np.bool_))


class StubClassifier:
    """Positive where a text has an even number of words; fails on a poisonous one."""

    card = ModelCard("stub", "abc", ("negative", "positive"))
    tokenizer = CountingTokenizer()
    pad_id, batch_size, batch_tokens = 0, 4, 20
    probe = PaddedBatch(np.ones((1, 1), np.int64), np.ones(1, np.int32))

    def __init__(self) -> None:
        self.broken = False
        self._table = VerdictTable(self.card.labels, np.array([-1, 1], np.float32), Activation.SOFTMAX)

    def scores(self, batch: PaddedBatch) -> Any:
        if self.broken or (batch.ids == POISON).any():
            raise RuntimeError("kernel failed")
        even = batch.lengths % 2 == 0
        return np.where(even[:, None], [0.1, 0.9], [0.9, 0.1]).astype(np.float32)

    def verdicts(self, scores: Any, lengths: Any, truncated: Any) -> Any:
        return self._table.verdicts(scores, lengths, truncated)

    def release_memory(self) -> None: ...


class StubPublisher:
    """Notes what it is given, and acknowledges it when a test says so."""

    def __init__(self, acknowledged: Callable[[Acknowledgement], None], _: Any) -> None:
        self.acknowledged = acknowledged
        self.answers: list[Answer] = []
        self.withdrawn: list[Fetch] = []

    def publish(self, answer: Answer) -> None:
        self.answers.append(answer)

    def withdraw(self, fetches: Iterable[Fetch]) -> None:
        self.withdrawn.extend(fetches)


@dataclass
class Bench:
    """A pipeline, and what it publishes."""

    pipeline: Pipeline
    ledger: Ledger
    publisher: StubPublisher
    telemetry: Telemetry
    failures: list[BaseException] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        return self.publisher.answers

    @property
    def answered(self) -> int:
        """Events that have an answer."""
        return sum(len(answer.completed) for answer in self.answers)

    def statistics(self) -> Statistics:
        return statistics(self.telemetry.metrics)

    async def submit(self, fetch: Fetch) -> None:
        self.ledger.open(fetch)
        await self.pipeline.submit(fetch)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0)

    def acknowledge(self, answer: Answer, refused: Sequence[RefusedOutput] = ()) -> None:
        letters = len(answer.rejected) + len(refused)
        self.publisher.acknowledged(Acknowledgement(answer.completed, letters, refused))

    def acknowledge_all(self) -> None:
        for answer in self.answers:
            self.acknowledge(answer)


def with_pipeline(
    body: Callable[[Bench], Awaitable[None]], *, line_seconds: float = LINE_SECONDS, **overrides: Any
) -> None:
    async def run() -> None:
        ledger = Ledger()
        failures: list[BaseException] = []
        publishers: list[StubPublisher] = []

        def make_publisher(*callbacks: Any) -> StubPublisher:
            publishers.append(StubPublisher(*callbacks))
            return publishers[0]

        telemetry = Telemetry(line_seconds=line_seconds)
        classifier: Any = overrides.pop("classifier", None) or StubClassifier()
        pipeline = Pipeline(load_settings(**overrides), classifier, ledger, make_publisher, failures.append, telemetry)
        try:
            await body(Bench(pipeline, ledger, publishers[0], telemetry, failures))
        finally:
            pipeline.close()

    asyncio.run(run())


def fetch_of(values: list[bytes | None], first: int = 0, partition: int = 0) -> Fetch:
    records = [StubRecord(first + index, value) for index, value in enumerate(values)]
    return Fetch(TOPIC, partition, records, first + len(values), 0.0)


def words(count: int, word: str = "word") -> bytes:
    return json.dumps({"text": " ".join([word] * count)}).encode()


VALUES = st.one_of(
    st.integers(1, 30).map(words),
    st.just(b"not json"),
    st.none(),
    st.just(words(2, "poison")),
    st.just(words(3, "bomb")),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(VALUES, min_size=1, max_size=20)), max_size=8))
def test_every_event_is_answered_once_in_order_with_its_own_verdict(plan: list[tuple[int, list[bytes | None]]]) -> None:
    async def body(bench: Bench) -> None:
        ends = dict.fromkeys(range(3), 0)
        values_of: dict[int, list[bytes | None]] = {partition: [] for partition in range(3)}
        for partition, values in plan:
            await bench.submit(fetch_of(values, ends[partition], partition))
            ends[partition] += len(values)
            values_of[partition].extend(values)
        total = sum(ends.values())
        await bench.until(lambda: bench.answered == total)
        for partition, values in values_of.items():
            answered = [
                answer_of(answer, index)
                for answer in bench.answers
                if answer.completed.fetch.partition == partition
                for index in indexes_of(answer)
            ]
            assert answered == [expected_of(value) for value in values]
        bench.acknowledge_all()
        for partition, end in ends.items():
            assert bench.ledger.committable(Partition(TOPIC, partition)) == (end or None)
        found = bench.statistics()
        assert found.pending_events == found.pending_bytes == found.waiting_texts == 0
        assert found.published + found.dead_lettered + found.forwarded == found.received == total
        assert bench.failures == []

    with_pipeline(body)


def indexes_of(answer: Answer) -> range:
    return range(answer.completed.start, answer.completed.stop)


def answer_of(answer: Answer, index: int) -> str:
    if index in answer.rejected:
        return answer.rejected[index].reason
    (outputs,) = answer.outputs
    value = outputs.values[list(outputs.indexes).index(index)]
    if value is None:
        return "tombstone"
    event = json.loads(value)
    assert event["sentiment"]["tokens"] == len(event["text"].split())
    return str(event["sentiment"]["label"])


def expected_of(value: bytes | None) -> str:
    if value is None:
        return "tombstone"
    if value == b"not json":
        return Reason.NOT_JSON
    if b"poison" in value:
        return Reason.INFERENCE_FAILED
    if b"bomb" in value:
        return Reason.TOKENISING_FAILED
    return "positive" if len(json.loads(value)["text"].split()) % 2 == 0 else "negative"


def test_a_record_that_intake_could_not_read_is_rejected_whatever_its_value_looks_like() -> None:
    async def body(bench: Bench) -> None:
        spoilt = Rejection(Reason.UNREADABLE_RECORD, Stage.RECEIVE, "")
        values = [words(2), words(4), None, b"not json", words(1), None]
        await bench.submit(replace(fetch_of(values), unreadable=dict.fromkeys((0, 2, 3), spoilt)))
        await bench.until(lambda: bench.answered == len(values))
        unreadable = Reason.UNREADABLE_RECORD
        assert [answer_of(answer, index) for answer in bench.answers for index in indexes_of(answer)] == [
            *(unreadable, "positive", unreadable, unreadable, "negative", "tombstone")
        ]

    with_pipeline(body)


def test_a_full_worker_takes_nothing_more_until_something_is_acknowledged() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)] * 3))
        second = asyncio.create_task(bench.submit(fetch_of([words(1)] * 3, first=3)))
        await bench.until(lambda: bool(bench.answers))
        assert not second.done()
        assert bench.statistics().pending_events == 3
        bench.acknowledge_all()
        await second
        assert bench.statistics().pending_events == 3

    with_pipeline(body, max_pending_events=4)


def test_pending_bytes_are_bounded_too() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(10)]))
        second = asyncio.create_task(bench.submit(fetch_of([words(10)], first=1)))
        await bench.until(lambda: bool(bench.answers))
        assert not second.done()
        second.cancel()

    with_pipeline(body, max_pending_bytes=len(words(10)) + 5)


def test_keys_and_headers_count_as_pending_bytes() -> None:
    record = StubRecord(0, words(1), b"key", headers=(("name", b"12345"), ("x", None)))
    assert Fetch(TOPIC, 0, [record], 1, 0.0).size() == len(words(1)) + 3 + 9 + 1
    assert Fetch(TOPIC, 0, [StubRecord(0, None, None)], 1, 0.0).size() == 0


def test_a_panic_ends_the_pipeline_instead_of_its_agent() -> None:
    async def body(bench: Bench) -> None:
        def panic(records: Sequence[Record]) -> Iterator[Decoded]:
            raise Panic

        bench.pipeline._codec.decode_in_steps = panic  # type: ignore[method-assign]
        await bench.submit(fetch_of([words(3)]))
        assert isinstance(bench.failures[0], Panic)

    with_pipeline(body)


def test_a_dispatch_that_fails_in_its_timer_ends_the_pipeline() -> None:
    classifier = StubClassifier()
    gate = threading.Event()
    scores = classifier.scores
    classifier.scores = lambda batch: gate.wait(20) and scores(batch)  # type: ignore[method-assign]

    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)] * 8))  # two batches keep the device busy, ...
        fresh = replace(fetch_of([words(1)], first=8), received_at=time.monotonic())
        await bench.submit(fresh)  # ... and one text waits for its time
        assert bench.statistics().waiting_texts == 1
        bench.pipeline._dispatcher._backlog.take = None  # type: ignore[assignment]
        await bench.until(lambda: bool(bench.failures))
        assert isinstance(bench.failures[0], TypeError)

    try:
        with_pipeline(body, classifier=classifier, max_batch_time=0.3, max_in_flight_batches=3)
    finally:
        gate.set()


class StoppedClock:
    """Stands for the pipeline's ``time`` and shows what the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr("worker.pipeline.time", self)

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        """The time of day: the records of ``fetch_of`` were written a millisecond after the epoch."""
        return self.now


def test_a_device_that_hangs_is_a_stall_while_dead_letters_are_still_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = StoppedClock(monkeypatch)
    classifier = StubClassifier()
    gate = threading.Event()
    scores = classifier.scores
    classifier.scores = lambda batch: gate.wait(20) and scores(batch)  # type: ignore[method-assign]

    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(1)], partition=0))
        assert bench.statistics().in_flight_batches == 1
        clock.now += 30
        await bench.submit(fetch_of([b"not json"], partition=1))
        bench.acknowledge_all()
        assert bench.pipeline.stalled_for() == 30
        gate.set()
        await bench.until(lambda: bench.statistics().in_flight_batches == 0)
        assert bench.pipeline.stalled_for() == 0
        clock.now += 30
        gate.clear()
        await bench.submit(fetch_of([words(1)], first=1, partition=0))
        assert bench.pipeline.stalled_for() == 30, "the first output is not acknowledged"
        gate.set()

    try:
        with_pipeline(body, classifier=classifier)
    finally:
        gate.set()


def test_a_worker_with_work_and_no_progress_is_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StoppedClock(monkeypatch)

    async def body(bench: Bench) -> None:
        assert bench.pipeline.stalled_for() == 0
        clock.now += 30
        assert bench.pipeline.stalled_for() == 0, "there is nothing to do"
        await bench.submit(fetch_of([words(1)]))
        await bench.until(lambda: bool(bench.answers))
        clock.now += 30
        assert bench.pipeline.stalled_for() == 30
        bench.acknowledge_all()
        assert bench.pipeline.stalled_for() == 0
        clock.now += 30
        await bench.submit(fetch_of([words(1)], first=1))
        assert bench.pipeline.stalled_for() == 0, "it was idle until now"

    with_pipeline(body)


def test_what_was_in_flight_for_a_revoked_partition_is_not_published() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 9))
        bench.pipeline.revoke([Partition(TOPIC, 0)])
        assert await bench.pipeline.drain(Deadline.after(5), work_off=True)
        assert bench.answers == []
        assert bench.statistics().pending_events == 0

    with_pipeline(body)


def test_what_the_broker_acknowledges_after_a_revocation_counts_as_nothing() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([None, b"not json", words(3)]))
        await bench.until(lambda: bench.ledger.unacknowledged() > 0 and bench.answered == 3)
        before = bench.statistics()
        bench.pipeline.revoke([Partition(TOPIC, 0)])
        assert bench.publisher.withdrawn == [answer.completed.fetch for answer in bench.answers[:1]]
        bench.acknowledge_all()
        found = bench.statistics()
        assert (found.published, found.dead_lettered, found.forwarded, found.skipped) == (0, 0, 0, 0)
        assert (before.pending_events, found.pending_events, found.latency_p50) == (3, 0, None)
        assert bench.ledger.committable(Partition(TOPIC, 0)) is None

    with_pipeline(body)


def test_a_drain_works_off_what_was_received_and_waits_for_the_broker() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 40))
        drained = asyncio.create_task(bench.pipeline.drain(Deadline.after(20), work_off=True))
        await bench.until(lambda: bench.answered == 40)
        assert not drained.done()
        bench.acknowledge_all()
        assert await drained
        assert bench.ledger.committable(Partition(TOPIC, 0)) == 40

    with_pipeline(body)


def test_a_drain_says_when_the_broker_does_not_answer_in_time() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)]))
        await bench.until(lambda: bool(bench.answers))
        assert not await bench.pipeline.drain(Deadline.after(0.01), work_off=True)
        assert bench.ledger.committable(Partition(TOPIC, 0)) is None

    with_pipeline(body)


def test_nothing_is_taken_while_draining() -> None:
    async def body(bench: Bench) -> None:
        assert await bench.pipeline.drain(Deadline.after(1), work_off=True)
        await bench.submit(fetch_of([words(3)]))
        assert bench.statistics().received == 0
        bench.pipeline.resume()
        await bench.submit(fetch_of([words(3)], first=1))
        assert bench.statistics().received == 1

    with_pipeline(body)


def test_a_broken_device_ends_the_pipeline_and_blames_no_event() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(3)] * 9))
        await bench.until(lambda: bool(bench.failures))
        assert isinstance(bench.failures[0], DeviceError)
        assert bench.answers == []
        await bench.submit(fetch_of([words(3)], first=9))
        assert bench.statistics().received == 9

    classifier = StubClassifier()
    classifier.broken = True
    with_pipeline(body, classifier=classifier)


def test_batches_become_smaller_with_the_memory_and_larger_again() -> None:
    classifier = StubClassifier()
    scores = classifier.scores
    tokens: list[int] = []

    def short_of_memory(batch: PaddedBatch) -> Any:
        tokens.append(batch.ids.size)
        if batch.ids.size > 4 and len(tokens) < 20:
            raise MemoryError
        return scores(batch)

    async def body(bench: Bench) -> None:
        assert bench.statistics().batch_token_limit == 20
        await bench.submit(fetch_of([words(2)] * 20))
        await bench.until(lambda: bench.answered == 20)
        assert bench.statistics().batch_token_limit < 20
        await bench.submit(fetch_of([words(2)] * 100, first=20))
        await bench.until(lambda: bench.answered == 120)
        assert bench.statistics().batch_token_limit == 20
        assert max(tokens[-5:]) == 8
        assert all(not answer.rejected for answer in bench.answers)

    classifier.scores = short_of_memory  # type: ignore[method-assign]
    with_pipeline(body, classifier=classifier)


def test_a_flood_of_invalid_events_ends_the_pipeline_before_it_is_published() -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([b"not json"] * 9))
        assert bench.answers == []
        assert isinstance(bench.failures[0], CircuitOpenError)

    with_pipeline(body, max_consecutive_invalid=8)


@pytest.mark.parametrize("overrides", [{"max_in_flight_batches": 1}, {"max_batch_time": 0.0}], ids=str)
def test_any_batching_settings_answer_everything(overrides: dict[str, Any]) -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(count) for count in range(1, 60)]))
        await bench.until(lambda: bench.answered == 59)

    with_pipeline(body, **overrides)


def test_nothing_is_pending_once_all_is_acknowledged_in_whatever_order() -> None:
    async def body(bench: Bench) -> None:
        for first in (0, 2, 4):
            await bench.submit(fetch_of([words(1), words(2)], first))
        await bench.until(lambda: bench.answered == 6)
        for answer in reversed(bench.answers):
            assert bench.statistics().pending_events == 6
            bench.acknowledge(answer)
        found = bench.statistics()
        assert (found.pending_events, found.pending_bytes, found.published) == (0, 0, 6)
        assert bench.pipeline.stalled_for() == 0.0

    with_pipeline(body)


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
        assert await bench.pipeline.drain(Deadline.after(5), work_off=True)

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


@pytest.mark.parametrize("large", [False, True])
def test_a_large_fetch_is_decoded_outside_of_the_loops_thread(large: bool) -> None:
    async def body(bench: Bench) -> None:
        codec, threads = bench.pipeline._codec, set()
        steps = codec.decode_in_steps

        def watched(records: Any) -> Any:
            threads.add(threading.get_ident())
            return steps(records)

        codec.decode_in_steps = watched  # type: ignore[method-assign]
        size = DECODED_IN_THE_LOOP if large else DECODED_IN_THE_LOOP // 2
        await bench.submit(fetch_of([b'{"after":"' + b"x" * (size // 4) + b'"}'] * 4))
        assert bench.statistics().skipped == 4
        assert (threads == {threading.get_ident()}) != large

    with_pipeline(body, on_no_text="skip")


def test_what_is_revoked_while_it_is_decoded_is_forgotten() -> None:
    async def body(bench: Bench) -> None:
        taken = asyncio.create_task(bench.submit(fetch_of([b"not json"] * (2 * STEP))))
        await bench.until(lambda: bench.statistics().received > 0)
        bench.pipeline.revoke([Partition(TOPIC, 0)])
        await taken
        assert (bench.answers, bench.failures) == ([], [])
        assert bench.statistics().pending_events == 0

    with_pipeline(body)


def test_the_log_hears_of_every_dead_letter_although_no_other_comes(caplog: pytest.LogCaptureFixture) -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([b"not json"]))
        await bench.submit(fetch_of([b"not json"] * 2, first=1))
        assert caplog.messages == ["1 dead letter: not_json 1"]
        await bench.until(lambda: len(caplog.messages) == 2)
        assert caplog.messages[1] == "2 dead letters: not_json 2"

    with caplog.at_level(logging.WARNING, "worker"):
        with_pipeline(body, line_seconds=0.05)

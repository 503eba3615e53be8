"""Every event is answered once, in order, with its own verdict."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.pipeline.bench import TOPIC, Bench, StubClassifier, answer_of, fetch_of, indexes_of, with_pipeline, words

from worker.delivery.ledger import Partition
from worker.errors import Reason, Rejection, Stage
from worker.tokens import PaddedBatch

VALUES = st.one_of(
    st.integers(1, 30).map(words),
    st.just(b"not json"),
    st.none(),
    st.just(words(2, "poison")),
    st.just(words(3, "bomb")),
)


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
        statistics = bench.statistics()
        assert statistics.pending_events == statistics.pending_bytes == statistics.waiting_texts == 0
        assert statistics.published + statistics.dead_lettered + statistics.forwarded == statistics.received == total
        assert bench.failures == []

    with_pipeline(body)


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


@pytest.mark.parametrize("overrides", [{"max_in_flight_batches": 1}, {"max_batch_time": 0.0}], ids=str)
def test_any_batching_settings_answer_everything(overrides: dict[str, Any]) -> None:
    async def body(bench: Bench) -> None:
        await bench.submit(fetch_of([words(count) for count in range(1, 60)]))
        await bench.until(lambda: bench.answered == 59)

    with_pipeline(body, **overrides)

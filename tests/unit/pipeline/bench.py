"""A pipeline with every step real but the model and the publisher, in a time of its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from virtual_time import ManualTime, run_with

from worker.classifier.labels import Activation, VerdictTable
from worker.deadline import Deadline
from worker.delivery.answers import Acknowledgement, Answer, RefusedOutput
from worker.delivery.ledger import Ledger
from worker.fetch import Fetch
from worker.observability.statistics import Statistics, statistics
from worker.observability.telemetry import Telemetry
from worker.pipeline.pipeline import Pipeline
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
        self.failing_seconds = 0.0

    def publish(self, answer: Answer) -> None:
        self.answers.append(answer)

    def withdraw(self, fetches: Iterable[Fetch]) -> None:
        self.withdrawn.extend(fetches)

    def failing_for(self) -> float:
        return self.failing_seconds

    async def close(self) -> None: ...


@dataclass
class Bench:
    """A pipeline, and what it publishes."""

    pipeline: Pipeline
    ledger: Ledger
    publisher: StubPublisher
    telemetry: Telemetry
    loop: ManualTime
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
        while not condition():
            await asyncio.sleep(0)

    def within(self, seconds: float) -> Deadline:
        return Deadline(self.loop.time() + seconds)

    def acknowledge(self, answer: Answer, refused: Sequence[RefusedOutput] = ()) -> None:
        letters = len(answer.rejected) + len(refused)
        self.publisher.acknowledged(Acknowledgement(answer.completed, letters, refused))

    def acknowledge_all(self) -> None:
        for answer in self.answers:
            self.acknowledge(answer)


def with_pipeline(body: Callable[[Bench], Awaitable[None]], **overrides: Any) -> None:
    loop = ManualTime()

    async def run() -> None:
        ledger = Ledger()
        failures: list[BaseException] = []
        publishers: list[StubPublisher] = []

        def make_publisher(*callbacks: Any) -> StubPublisher:
            publishers.append(StubPublisher(*callbacks))
            return publishers[0]

        classifier: Any = overrides.pop("classifier", None) or StubClassifier()
        telemetry = Telemetry(clock=loop.time)
        pipeline = Pipeline(
            load_settings(**overrides),
            classifier,
            ledger,
            clock=loop.time,
            wall_clock=loop.time,
            make_publisher=make_publisher,
            failed=failures.append,
            telemetry=telemetry,
        )
        try:
            await body(Bench(pipeline, ledger, publishers[0], telemetry, loop, failures))
        finally:
            await pipeline.close()
            telemetry.flush()

    run_with(loop, run)


def fetch_of(values: list[bytes | None], first: int = 0, partition: int = 0) -> Fetch:
    records = [StubRecord(first + index, value) for index, value in enumerate(values)]
    return Fetch(TOPIC, partition, records, first + len(values), 0.0)


def words(count: int, word: str = "word") -> bytes:
    return json.dumps({"text": " ".join([word] * count)}).encode()


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

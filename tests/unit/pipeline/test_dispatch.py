"""Texts go to the device when the planner says so, by the time that the caller gives."""

from collections.abc import Iterator
from typing import Any

import pytest
from unit.pipeline.bench import StubClassifier, fetch_of, words

from worker.batching import Flush
from worker.codec import Decoded
from worker.fetch import Fetch
from worker.inference import Sent
from worker.pipeline.dispatch import Dispatcher, classified
from worker.pipeline.job import Job


def job_of(*texts: str) -> Job:
    job = Job(fetch_of([words(1)] * len(texts)), 0)
    job.decoded(Decoded(texts=[*texts], indexes=[*range(len(texts))]))
    return job


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    classifier: Any = StubClassifier()
    made = Dispatcher(classifier, batch_time=5.0, in_flight=2)
    yield made
    made.close(timeout=0)


def add(dispatcher: Dispatcher, job: Job) -> None:
    dispatcher.add(job, *dispatcher.tokenise(job.texts))


def test_an_idle_device_gets_what_there_is_and_a_busy_one_waits_for_the_time(dispatcher: Dispatcher) -> None:
    first, second = job_of("one"), job_of("one more")
    add(dispatcher, first)
    sent = dispatcher.send(now=0.0)
    assert isinstance(sent, Sent)
    assert (len(sent.batch), sent.flush, dispatcher.in_flight) == (1, Flush.IDLE, 1)
    add(dispatcher, second)
    waits = dispatcher.send(now=4.9)
    assert not isinstance(waits, Sent)
    assert waits.deadline == 5.0
    assert isinstance(dispatcher.send(now=5.0), Sent)
    assert (len(dispatcher), dispatcher.in_flight) == (0, 2)


def test_results_land_in_the_jobs_that_are_still_there(dispatcher: Dispatcher) -> None:
    kept, gone = job_of("one two", "one"), job_of("one")
    for job in (kept, gone):
        add(dispatcher, job)
    sent = dispatcher.send(now=0.0)
    assert isinstance(sent, Sent)
    jobs: dict[Fetch, Job] = {kept.fetch: kept}
    found = [(fetch, sorted(indexes)) for fetch, indexes in classified(sent.batch, sent.result.result(), jobs)]
    assert found == [(kept.fetch, [0, 1])]


def test_what_is_dropped_does_not_reach_the_device(dispatcher: Dispatcher) -> None:
    kept, gone = job_of("one"), job_of("one", "two")
    for job in (gone, kept):
        add(dispatcher, job)
    dispatcher.drop([gone.fetch])
    sent = dispatcher.send(now=0.0)
    assert isinstance(sent, Sent)
    assert [fetch for fetch, _, _ in sent.batch.parts] == [kept.fetch]

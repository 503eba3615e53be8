"""One request at a time to each broker, with all that waits for it; each batch has its own check and its own answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, UnknownError
from aiokafka.protocol.produce import ProduceResponse_v7, ProduceResponse_v8
from event_loop import in_a_loop

from worker.delivery.outcomes import NotSentError, WithdrawnError
from worker.delivery.requests import MAX_REQUEST_BYTES, Batch, BatchResponse, ProduceRequest, Requests

VERSIONS = {0: (3, 8)}
Partition = tuple[str, int]


class Brokers:
    """Stand in for aiokafka's client: requests are noted, and answered when the test says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, dict[Partition, bytes]]] = []
        self.answers = asyncio.Event()
        self.codes: dict[Partition, tuple[int, list[tuple[int, None]]]] = {}
        self.silent: set[Partition] = set()
        self.errors: list[Exception] = []
        """Of the next requests."""

    async def send(self, node: int, request: ProduceRequest) -> Any:
        written = request.prepare(VERSIONS)
        batches = {(topic, number): data for topic, numbers in written.topics for number, data in numbers}
        self.sent.append((node, batches))
        await self.answers.wait()
        if self.errors:
            raise self.errors.pop(0)
        response = []
        for topic, number in batches.keys() - self.silent:
            code, records = self.codes.get((topic, number), (0, []))
            response.append((topic, [(number, code, 0, -1, 0, records, None)]))
        return ProduceResponse_v8(response, 0)


def requests_to(brokers: Brokers) -> Requests:
    return Requests(cast(Any, brokers), timeout_ms=1_000)


def batch(number: int, data: bytes = b"batch", check: Callable[[], Any] = lambda: None) -> Batch:
    return Batch(TopicPartition("out", number), data, check)


async def begun(*coroutines: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    """Begin these, in this order, and wait until nothing more can happen without the brokers."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(one) for one in coroutines]
    await asyncio.sleep(0.01)
    return tasks


def refuse() -> None:
    raise WithdrawnError


@in_a_loop
async def test_what_waits_for_a_broker_goes_to_it_in_one_request_and_never_two_at_a_time() -> None:
    brokers = Brokers()
    requests = requests_to(brokers)
    first = await begun(*(requests.send(1, batch(number)) for number in (0, 1)))
    later = await begun(*(requests.send(1, batch(number)) for number in (2, 3)), requests.send(2, batch(4)))
    assert [(node, [*sent]) for node, sent in brokers.sent] == [(1, [("out", 0), ("out", 1)]), (2, [("out", 4)])]
    brokers.answers.set()
    assert await asyncio.gather(*first, *later) == [BatchResponse(0)] * 5
    assert [(node, [*sent]) for node, sent in brokers.sent[2:]] == [(1, [("out", 2), ("out", 3)])]


@in_a_loop
async def test_those_that_were_answered_together_go_on_together() -> None:
    brokers = Brokers()
    requests = requests_to(brokers)

    async def sender(number: int) -> None:
        for _ in range(5):
            await requests.send(1, batch(number))

    first = await begun(sender(0), sender(1))
    late = await begun(sender(2))
    brokers.answers.set()
    await asyncio.gather(*first, *late)
    assert [len(sent) for _, sent in brokers.sent] == [2, 3, 3, 3, 3, 1]


@in_a_loop
async def test_each_batch_has_its_own_answer() -> None:
    brokers = Brokers()
    brokers.codes = {("out", 1): (10, [(7, None), (3, None)]), ("out", 2): (6, [])}
    brokers.silent = {("out", 3)}
    brokers.answers.set()
    requests = requests_to(brokers)
    answers = await asyncio.gather(*(requests.send(1, batch(number)) for number in range(4)), return_exceptions=True)
    assert answers[:3] == [BatchResponse(0), BatchResponse(10, (3, 7)), BatchResponse(6)]
    assert isinstance(answers[3], UnknownError), "a broker that leaves a batch out has said nothing of it"


@in_a_loop
async def test_a_connection_that_fails_lets_nobody_wait_for_a_turn_that_would_fail_too() -> None:
    brokers = Brokers()
    error = KafkaConnectionError()
    brokers.errors = [error]
    requests = requests_to(brokers)
    tasks = await begun(requests.send(1, batch(0)), requests.send(1, batch(1)))
    (waiting,) = await begun(requests.send(1, batch(2)))
    elsewhere = await begun(requests.send(2, batch(3)))
    brokers.answers.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 2
    with pytest.raises(NotSentError):
        await waiting
    assert await asyncio.gather(*elsewhere) == [BatchResponse(0)]
    assert await requests.send(1, batch(2)) == BatchResponse(0)


@in_a_loop
async def test_a_batch_that_may_not_be_sent_is_left_out_and_the_others_go() -> None:
    brokers = Brokers()
    brokers.answers.set()
    requests = requests_to(brokers)
    answers = await asyncio.gather(
        requests.send(1, batch(0)), requests.send(1, batch(1, check=refuse)), return_exceptions=True
    )
    assert answers[0] == BatchResponse(0)
    assert isinstance(answers[1], WithdrawnError)
    assert [[*sent] for _, sent in brokers.sent] == [[("out", 0)]]
    assert isinstance(
        (await asyncio.gather(requests.send(1, batch(0, check=refuse)), return_exceptions=True))[0], WithdrawnError
    )
    assert len(brokers.sent) == 1


@in_a_loop
async def test_a_batch_whose_sender_has_given_up_is_not_sent() -> None:
    brokers = Brokers()
    requests = requests_to(brokers)
    (first,) = await begun(requests.send(1, batch(0)))
    given_up, kept = await begun(requests.send(1, batch(1)), requests.send(1, batch(2)))
    given_up.cancel()
    brokers.answers.set()
    await asyncio.gather(first, kept)
    assert [[*sent] for _, sent in brokers.sent] == [[("out", 0)], [("out", 2)]]


@in_a_loop
async def test_a_request_is_of_bounded_size_and_one_large_batch_goes_alone() -> None:
    brokers = Brokers()
    brokers.answers.set()
    requests = requests_to(brokers)
    sizes = (MAX_REQUEST_BYTES // 2, MAX_REQUEST_BYTES // 2, 1, 2 * MAX_REQUEST_BYTES)
    await asyncio.gather(*(requests.send(1, batch(number, bytes(size))) for number, size in enumerate(sizes)))
    assert [[number for _, number in sent] for _, sent in brokers.sent] == [[0, 1], [2], [3]]


@in_a_loop
async def test_a_stop_lets_nobody_wait() -> None:
    brokers = Brokers()
    requests = requests_to(brokers)
    tasks = [
        *await begun(requests.send(1, batch(0))),
        *await begun(requests.send(1, batch(1)), requests.send(2, batch(2))),
    ]
    await requests.stop()
    assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [asyncio.CancelledError] * 3


@in_a_loop
async def test_a_request_goes_out_in_the_newest_version_that_both_know_and_is_checked_just_before() -> None:
    checked: list[bool] = []
    request = ProduceRequest([batch(3, check=lambda: checked.append(True))], timeout_ms=1_000)
    assert [request.prepare({0: (0, newest)}).API_VERSION for newest in (3, 7, 8, 12)] == [3, 7, 8, 8]
    assert checked == [True] * 4
    request = ProduceRequest([refused := batch(3, check=refuse)], timeout_ms=1_000)
    with pytest.raises(NotSentError):
        request.prepare({0: (0, 8)})
    assert isinstance(refused.answer.exception(), WithdrawnError)


@in_a_loop
async def test_an_older_broker_does_not_say_which_records_are_at_fault() -> None:
    brokers = Brokers()

    async def send(_: int, request: ProduceRequest) -> Any:
        request.prepare({0: (3, 7)})
        return ProduceResponse_v7([("out", [(0, 10, 0, -1, 0)])], 0)

    brokers.send = send  # type: ignore[method-assign, assignment]
    assert await requests_to(brokers).send(1, batch(0)) == BatchResponse(10)

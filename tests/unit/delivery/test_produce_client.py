"""The produce client's reaction to errors: when it looks for leaders anew, and how long a start waits."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceResponse_v7
from error_codes import raises_code
from virtual_time import SkippedTime, run_with

from worker.delivery.outcomes import RequestCutOffError, SessionUnconfirmedError, WithdrawnError
from worker.delivery.produce_client import ProduceClient
from worker.delivery.requests import MAX_REQUEST_BYTES, Requests
from worker.errors import BrokerError, Code

OUT = TopicPartition("out", 0)
FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH = 74, 75


class Connection:
    """Stands in for aiokafka's client; ``answer`` is what the broker says, or raises what the connection does."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer
        self.cluster: Any = self
        self.refreshed = 0

    def leader_for_partition(self, _: Any) -> int:
        return 0

    def get_random_node(self) -> int:
        return 0

    def force_metadata_update(self) -> None:
        self.refreshed += 1

    async def send(self, _: int, request: Any) -> Any:
        return self._answer(request)


def client_of(answer: Callable[[Any], Any]) -> tuple[ProduceClient, Connection]:
    clock = asyncio.get_running_loop().time
    client, connection = ProduceClient({}, ("out",), confirmed=lambda: False, clock=clock), Connection(answer)
    stand_in: Any = connection
    client._client = stand_in
    client._requests = Requests(stand_in, timeout_ms=1_000)
    return client, connection


def refreshes(answer: Callable[[Any], Any], check: Callable[[], None] = lambda: None) -> int:
    """Metadata updates after a batch that failed."""

    async def produce() -> int:
        client, connection = client_of(answer)
        with pytest.raises((KafkaError, OSError)):
            await client.produce(OUT, b"batch", check)
        return connection.refreshed

    return asyncio.run(produce())


def first_producer_id(answer: Callable[[Any], Any]) -> int:
    async def ask() -> int:
        client, _ = client_of(answer)
        return await client._first_producer_id()

    return run_with(SkippedTime(), ask)


def saying(code: int) -> Callable[[Any], Any]:
    return lambda _: ProduceResponse_v7([("out", [(0, code, 0, -1, 0)])], 0)


def raising(error: Exception) -> Callable[[Any], Any]:
    def answer(_: Any) -> Any:
        raise error

    return answer


def prepared(request: Any) -> Any:
    request.prepare({0: (3, 7)})


@pytest.mark.parametrize("code", [6, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, 9_999])
def test_leaders_are_looked_up_anew_whatever_the_broker_says_that_is_tried_again(code: int) -> None:
    assert refreshes(saying(code)) == 1


@pytest.mark.parametrize("error", [KafkaConnectionError(), RequestTimedOutError(), OSError(), TimeoutError()])
def test_leaders_are_looked_up_anew_when_a_connection_fails(error: Exception) -> None:
    assert refreshes(raising(error)) == 1


@pytest.mark.parametrize(
    ("size", "answers", "error"),
    [
        pytest.param(MAX_REQUEST_BYTES + 1, True, RequestCutOffError, id="large"),
        pytest.param(MAX_REQUEST_BYTES, True, KafkaConnectionError, id="not too large for anybody"),
        pytest.param(MAX_REQUEST_BYTES + 1, False, KafkaConnectionError, id="the broker answers nothing"),
    ],
)
def test_a_large_request_is_suspected_where_the_broker_answers_others(
    size: int, answers: bool, error: type[KafkaError]
) -> None:
    def answer(request: Any) -> Any:
        if answers and isinstance(request, MetadataRequest):
            return None
        raise KafkaConnectionError()

    async def produce() -> None:
        client, _ = client_of(answer)
        await client.produce(OUT, bytes(size), lambda: None)

    with pytest.raises(KafkaError) as raised:
        asyncio.run(produce())
    assert type(raised.value) is error


@pytest.mark.parametrize("error", [WithdrawnError, SessionUnconfirmedError])
def test_what_was_not_sent_for_a_reason_of_ours_costs_no_look_up(error: type[KafkaError]) -> None:
    def check() -> None:
        if error is WithdrawnError:
            raise WithdrawnError()

    assert refreshes(prepared, check) == 0


def test_a_start_without_a_controller_says_so_and_ends_with_a_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with raises_code(BrokerError, Code.NO_PRODUCER_ID) as raised:
        first_producer_id(lambda _: SimpleNamespace(error_code=14))
    assert "GroupLoadInProgressError" in str(raised.value)
    assert [message.split(":")[0] for message in caplog.messages] == [
        "no broker gives a producer id (GroupLoadInProgressError)"
    ]


def test_a_start_goes_on_once_there_is_a_producer_id() -> None:
    answers = iter([SimpleNamespace(error_code=14), SimpleNamespace(error_code=0, producer_id=12)])
    assert first_producer_id(lambda _: next(answers)) == 12

"""What we override or call behind Faust's and aiokafka's doors is still there, with the parameters we know."""

import asyncio
import inspect
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.producer.transaction_manager import TransactionManager

from worker.intake import consumer


def resolve(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    consumer.INTERNALS,
    ids=[f"{o.rsplit('.', 1)[1]}.{n}" for o, n, _ in consumer.INTERNALS],
)
def test_an_internal_of_faust_is_as_we_know_it(owner: str, name: str, parameters: tuple[str, ...]) -> None:
    assert tuple(inspect.signature(getattr(resolve(owner), name)).parameters) == parameters


@pytest.mark.parametrize("ours", [consumer.FetchConsumer, consumer.FetchConsumerThread])
def test_everything_we_override_is_listed(ours: type) -> None:
    listed = {name for _, name, _ in consumer.INTERNALS}
    inherited = {name for base in ours.__mro__[1:] for name in vars(base)}
    overridden = {name for name, value in vars(ours).items() if inspect.isfunction(value) and name in inherited}
    assert overridden <= listed


def test_the_versions_are_those_that_the_list_was_read_from() -> None:
    assert version("faust-streaming").startswith("0.15.")
    assert version("aiokafka").startswith("0.14.")


def test_aiokafkas_consumer_takes_its_isolation_level_from_where_we_put_it() -> None:
    assert "self._isolation_level" in inspect.getsource(AIOKafkaConsumer.start)


def test_a_consumers_position_is_where_we_read_it() -> None:
    assert {"position", "has_valid_position"} <= vars(TopicPartitionState).keys()
    assert "self._subscription = " in inspect.getsource(AIOKafkaConsumer.__init__)


def test_sequence_numbers_can_be_taken_back() -> None:
    async def after() -> int:
        manager = TransactionManager(None, 0)
        manager.increment_sequence_number("partition", 7)
        manager.increment_sequence_number("partition", -3)
        return int(manager.sequence_number("partition"))

    assert asyncio.run(after()) == 4

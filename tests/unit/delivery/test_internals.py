"""The internals of aiokafka that delivery uses are still there, in the installed version."""

import ast
import asyncio
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceResponse_v8
from aiokafka.record.memory_records import MemoryRecords

import worker.delivery
from worker.delivery import internals
from worker.delivery.produce_client import ProduceClient


def resolve(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)


@pytest.mark.parametrize(
    ("owner", "name", "parameters"), internals.METHODS, ids=[name for _, name, _ in internals.METHODS]
)
def test_a_method_is_as_we_know_it(owner: str, name: str, parameters: tuple[str, ...]) -> None:
    assert tuple(inspect.signature(getattr(resolve(owner), name)).parameters) == parameters


def test_every_attribute_is_there_and_of_the_type_we_know() -> None:
    async def objects() -> list[Any]:
        client = AIOKafkaClient()
        return [client, client.cluster]

    found = asyncio.run(objects())
    for owner, name, kind in internals.ATTRIBUTES:
        (one,) = [one for one in found if isinstance(one, resolve(owner))]
        assert isinstance(getattr(one, name), kind), name


def test_every_private_name_that_is_not_our_own_is_listed() -> None:
    listed = {name for _, name, _ in internals.METHODS}
    trees = [ast.parse(path.read_text()) for path in Path(worker.delivery.__file__).parent.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    foreign = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "known", "ledger"))
    }
    assert foreign - listed - {"__name__"} == set()


def test_a_broker_names_the_records_at_fault_where_we_look_for_them() -> None:
    (_, topics), *_ = zip(ProduceResponse_v8.SCHEMA.names, ProduceResponse_v8.SCHEMA.fields, strict=True)
    (_, partitions) = topics.array_of.fields
    assert tuple(partitions.array_of.names) == internals.PRODUCE_RESPONSE


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_a_batch_carries_its_numbers_and_no_timestamp_where_there_is_none(compression: str) -> None:
    async def build() -> bytes:
        builder = ProduceClient({}, (), compression, confirmed=lambda: True, clock=lambda: 0.0).builder(1_000)
        builder.append(0, -1, b"key", b"value" * 20, [("name", None)])
        builder.set_producer_state(5, 6, 7)
        return bytes(builder.build())

    batch = MemoryRecords(asyncio.run(build())).next_batch()
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (5, 6, 7)
    (record,) = batch
    assert (record.timestamp, record.key, record.value) == (-1, b"key", b"value" * 20)

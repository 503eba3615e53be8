"""The internals of Faust and aiokafka that we use are still there, on real objects of the installed versions."""

import ast
import asyncio
import inspect
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError
from faust.types import TP
from unit.intake.scene import Intake

import worker.intake
from worker.embedded.broker import EmbeddedBroker
from worker.intake import consumer, coordinator, ending, internals, thread

TEXTS = TP("texts", 0)


def resolve(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)


def named(entries: tuple[Any, ...]) -> list[str]:
    return [f"{owner.rsplit('.', 1)[1]}.{name}" for owner, name, _ in entries]


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        broker.create_topics("texts")
        yield broker.bootstrap_servers


async def ignore(_: object) -> None:
    """Take what the consumer calls back with, and do nothing."""


class Real:
    """Our consumer and its thread, with aiokafka's consumer on a real listener; the thread's loop is this one."""

    def __init__(self, bootstrap: str) -> None:
        self.app = faust.App("contract", broker=f"kafka://{bootstrap}")
        self.transport = consumer.FetchTransport(self.app.conf.broker_consumer, self.app)
        self.intake = self.transport.intake = Intake(None)
        self.app.transport = self.transport
        made: Any = self.transport.create_consumer(ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore)
        self.consumer = made
        self.thread = self.consumer._thread
        self.thread.call_thread = self._call_thread
        self.kafka = self.thread._create_worker_consumer(self.transport)
        self.thread._consumer = self.kafka
        self._bootstrap = bootstrap

    async def _call_thread(self, job: Any, *args: Any, **kwargs: Any) -> Any:
        return await job(*args, **kwargs)

    async def __aenter__(self) -> "Real":
        self.kafka.assign([TopicPartition(*TEXTS)])
        await self.kafka.start()
        self.kafka.seek(TopicPartition(*TEXTS), 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kafka.stop()

    async def produce(self, count: int) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            batch = producer.create_batch()
            for number in range(count):
                batch.append(key=None, value=str(number).encode(), timestamp=None)
            await (await producer.send_batch(batch, "texts", partition=0))

    async def poll(self) -> thread.Poll:
        polled = await self.thread.getmany({TEXTS}, 5.0)
        assert isinstance(polled, thread.Poll)
        return polled

    def objects(self) -> list[Any]:
        subscription = self.kafka._subscription.subscription
        assignment = subscription.assignment
        state = assignment.state_value(TopicPartition(*TEXTS))
        return [
            *(self.app, self.app.monitor, self.app.assignor, self.transport, self.consumer, self.thread, self.kafka),
            *(self.kafka._subscription, subscription, assignment, state, self.kafka._coordinator),
        ]


@pytest.mark.parametrize(("owner", "name", "parameters"), internals.METHODS, ids=named(internals.METHODS))
def test_a_method_is_as_we_know_it(owner: str, name: str, parameters: tuple[str, ...]) -> None:
    assert tuple(inspect.signature(getattr(resolve(owner), name)).parameters) == parameters


def test_every_attribute_is_there_and_of_the_type_we_know(bootstrap: str) -> None:
    async def looked_up() -> dict[str, bool]:
        async with Real(bootstrap) as real:
            return {
                f"{owner}.{name}": any(
                    isinstance(one, resolve(owner)) and isinstance(getattr(one, name, None), kind)
                    for one in real.objects()
                    if hasattr(one, name)
                )
                for owner, name, kind in internals.ATTRIBUTES
            }

    found = asyncio.run(looked_up())
    assert [name for name, there in found.items() if not there] == []


def test_an_offset_that_faust_does_not_know_is_none(bootstrap: str) -> None:
    async def unknown() -> tuple[Any, Any]:
        async with Real(bootstrap) as real:
            return real.consumer._committed_offset[TEXTS], real.consumer._read_offset[TEXTS]

    assert asyncio.run(unknown()) == (None, None)


@pytest.mark.parametrize(
    "ours", [consumer.FetchConsumer, ending.EndingConsumer, thread.FetchConsumerThread, coordinator.Coordinator]
)
def test_everything_we_override_is_listed(ours: type) -> None:
    listed = {name for _, name, _ in internals.METHODS}
    inherited = {name for base in ours.__mro__[1:] for name in vars(base)}
    overridden = {name for name, value in vars(ours).items() if inspect.isfunction(value) and name in inherited}
    assert overridden <= listed


def test_every_private_name_that_is_not_our_own_is_listed() -> None:
    listed = {name for _, name, _ in (*internals.METHODS, *internals.ATTRIBUTES, *internals.REPLACED)}
    listed |= {*internals.FETCH_RESULT}
    trees = [ast.parse(path.read_text()) for path in Path(worker.intake.__file__).parent.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("_")}
    ours = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    ours |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_set_on_self(node)}
    ours |= {node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    ours |= {"_fields", "_replace", "__name__", "__init__", "__new__", "__class__"}
    assert used - listed - ours == set()


def _is_set_on_self(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"


@pytest.mark.parametrize(("owner", "name", "parameters"), internals.REPLACED)
def test_what_ours_stands_in_for_is_as_we_know_it(owner: str, name: str, parameters: tuple[str, ...]) -> None:
    theirs = getattr(untouched_fetcher(), owner)
    assert tuple(inspect.signature(getattr(theirs, name)).parameters) == parameters


def test_the_fetcher_looks_our_classes_up_by_name() -> None:
    theirs = untouched_fetcher()
    made = {*theirs.Fetcher._proc_fetch_request.__code__.co_names}
    assert {"MemoryRecords", "PartitionRecords", "FetchResult"} <= made
    assert "FetchResult" in theirs.Fetcher.fetched_records.__code__.co_names
    assert {"has_next", "size_in_bytes"} <= made
    state = theirs.FetchResult(TEXTS, assignment=None, partition_records=None, backoff=0)
    assert {*internals.FETCH_RESULT} <= {*vars(state)}


def untouched_fetcher() -> Any:
    """aiokafka's module as it is before ours are put into it."""
    spec = find_spec("aiokafka.consumer.fetcher")
    assert spec is not None
    assert spec.loader is not None
    untouched = module_from_spec(spec)
    spec.loader.exec_module(untouched)
    return untouched


def test_the_versions_are_those_that_the_tables_were_read_from() -> None:
    assert version("faust-streaming").startswith("0.15.")
    assert version("aiokafka").startswith("0.14.")


def test_the_isolation_level_reaches_the_fetches(bootstrap: str) -> None:
    async def levels() -> tuple[Any, Any]:
        async with (
            Real(bootstrap) as real,
            AIOKafkaConsumer("texts", bootstrap_servers=bootstrap, isolation_level=Intake.isolation_level) as told,
        ):
            return real.kafka._fetcher._isolation_level, told._fetcher._isolation_level

    ours, told = asyncio.run(levels())
    assert ours == told


def test_what_is_given_back_is_polled_again_unless_a_seek_came_first(bootstrap: str) -> None:
    async def polled() -> list[list[int]]:
        async with Real(bootstrap) as real:
            await real.produce(5)
            first = await real.poll()
            assert first.next_offsets == {TEXTS: 5}
            assert first.stretches == {TEXTS: (0, 5)}
            await real.thread.rewind(first, {TEXTS: 2})
            again = await real.poll()
            assert again.stretches == {TEXTS: (2, 5)}
            real.kafka.seek(TopicPartition(*TEXTS), 4)
            await real.thread.rewind(again, {TEXTS: 2})  # moved since: the seek stands
            third = await real.poll()
            return [[record.offset for record in poll[TEXTS]] for poll in (first, again, third)]

    assert asyncio.run(polled()) == [[0, 1, 2, 3, 4], [2, 3, 4], [4]]


def test_each_rebalance_makes_another_assignment(bootstrap: str) -> None:
    async def assignments() -> list[Any]:
        async with Real(bootstrap) as real:
            subscription = real.kafka._subscription
            subscription.unsubscribe()
            subscription.subscribe({"texts"})
            made = []
            for _ in range(2):
                subscription.assign_from_subscribed({TopicPartition(*TEXTS)})
                made.append(real.thread.current_assignment())
            return made

    first, second = asyncio.run(assignments())
    assert first is not second


def test_what_shuts_us_out_of_the_group_is_told_although_nobody_polls(bootstrap: str) -> None:
    async def told() -> list[BaseException]:
        async with Real(bootstrap) as real:
            assert real.thread.group_error() is None
            real.kafka._coordinator._pending_exception = GroupAuthorizationFailedError("group")
            await asyncio.wait_for(consumer.FetchConsumer._watch_the_group(real.consumer), 10)
            return real.intake.failures

    assert [type(error) for error in asyncio.run(told())] == [GroupAuthorizationFailedError]

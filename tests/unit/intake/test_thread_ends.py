"""Nobody waits for ever for a consumer's thread that ends, or that something else's crash would have ended."""

import asyncio
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.errors import ConsumerStoppedError
from event_loop import in_a_loop
from unit.intake.scene import Intake

from worker.intake.consumer import FetchTransport


async def nothing() -> None: ...


async def answer() -> int:
    return 42


def consumer() -> Any:
    """A consumer whose thread does everything but talk to a broker."""
    app = faust.App("ends", broker="kafka://nowhere:1")
    transport: Any = FetchTransport(app.conf.broker_consumer, app)
    transport.intake = Intake(None)
    made = transport.create_consumer(
        **dict.fromkeys(("callback", "on_partitions_revoked", "on_partitions_assigned"), print)
    )
    made._thread.on_start = nothing
    return made


@in_a_loop
async def test_a_crash_elsewhere_leaves_the_thread_to_answer_the_last_commit() -> None:
    thread = consumer()._thread
    await thread.start()
    thread._crash(RuntimeError("elsewhere"))
    await asyncio.sleep(0.05)
    assert await thread.call_thread(answer) == 42
    await thread.stop()


@in_a_loop
async def test_what_a_thread_had_not_answered_when_it_ended_is_told_so() -> None:
    thread = consumer()._thread
    await thread.start()
    asked = asyncio.ensure_future(thread.call_thread(asyncio.Event().wait))
    assert await thread.call_thread(answer) == 42
    await thread.stop()
    with pytest.raises(ConsumerStoppedError):
        await asked
    with pytest.raises(ConsumerStoppedError):
        await thread.call_thread(answer)


@in_a_loop
async def test_what_is_asked_while_the_consumer_stops_is_told_that_nobody_answers() -> None:
    thread, loop = consumer()._thread, asyncio.get_running_loop()
    asked: list[asyncio.Future[Any]] = []

    def ask() -> None:
        asked.append(asyncio.ensure_future(thread.call_thread(answer)))

    async def stop() -> None:  # in the thread, which serves no calls any more
        loop.call_soon_threadsafe(ask)
        while thread.method_queue._queue.empty():
            await asyncio.sleep(0.001)

    await thread.start()
    thread._consumer = SimpleNamespace(stop=stop)
    await thread.stop()
    with pytest.raises(ConsumerStoppedError):
        await asyncio.wait_for(asked[0], 5)


@in_a_loop
async def test_a_commit_is_answered_while_a_poll_and_two_questions_wait_for_brokers() -> None:
    thread, answered = consumer()._thread, asyncio.Event()
    await thread.start()
    waiting = [asyncio.ensure_future(thread.call_thread(answered.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(thread.call_thread(answer), 5) == 42
    finally:
        thread.thread_loop.call_soon_threadsafe(answered.set)
        await asyncio.gather(*waiting)
        await thread.stop()


@in_a_loop
async def test_a_thread_that_ended_by_itself_can_be_stopped() -> None:
    thread = consumer()._thread
    await thread.start()
    thread.thread_loop.call_soon_threadsafe(thread._stopped.set)
    while not thread.thread_loop.is_closed():
        await asyncio.sleep(0.01)
    thread._stopped.clear()
    await thread.stop()


@in_a_loop
async def test_the_thread_does_not_wait_for_a_worker_that_serves_it_no_more() -> None:
    made = consumer()
    made._method_queue._crash(RuntimeError("elsewhere"))
    await made.threadsafe_partitions_revoked(asyncio.get_running_loop(), set())


@in_a_loop
async def test_the_thread_ends_although_a_fetch_that_paused_hands_its_cancellation_on() -> None:
    thread, closed = consumer()._thread, []

    async def stop() -> None:
        fetch = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch

    async def close() -> None:
        closed.append("connections")

    await thread.start()
    thread._consumer = SimpleNamespace(stop=stop, _client=SimpleNamespace(close=close))
    await thread.stop()
    assert closed == ["connections"]
    assert thread.thread_loop.is_closed()

"""The demo's two ends of Kafka: a producer that keeps a bounded lead, and an independent consumer that reads back."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from worker.cli.commands.demo.tally import Tally
from worker.embedded import RatedSentence
from worker.errors import Code, WorkerError
from worker.settings import Settings
from worker.verdict import Sentiment

LEAD = 1024
"""Events sent and not yet answered: enough to sort into batches by length, far less than the embedded broker keeps."""
PATIENCE_SECONDS = 60.0

BROKEN: Sequence[bytes] = (
    b"this is not JSON",
    b'{"id": "broken/1", "title": "an event without a text"}',
    b'{"id": "broken/2", "text": 42}',
    b'{"id": "broken/3", "text": "   "}',
    b'{"id": "broken/4", "text": "caf\xe9"}',
    b'{"id": "broken/5", "text": "NaN is no JSON", "stars": NaN}',
    b'["an array", "is not an event"]',
    b'{"id": "broken/7", "text": "half a surrogate pair: \\ud83d"}',
)
"""One event of several kinds that cannot be answered, to be seen among the dead letters."""


def event_of(sentence: RatedSentence) -> bytes:
    """Return the event for a sentence, without its rating."""
    return json.dumps(
        {"id": sentence.id, "text": sentence.text, "source": sentence.domain, "language": "en"}, ensure_ascii=False
    ).encode()


def events_of(sentences: Sequence[RatedSentence]) -> list[tuple[str, bytes]]:
    """Key and value of every event, the broken ones evenly among the others."""
    events = [(sentence.id, event_of(sentence)) for sentence in sentences]
    step = len(events) // (len(BROKEN) + 1)
    for number, value in reversed(list(enumerate(BROKEN))):
        events.insert((number + 1) * step, (f"broken/{number}", value))
    return events


async def send(
    bootstrap: str, topic: str, events: Sequence[tuple[str, bytes]], tally: Tally, lead: asyncio.Semaphore
) -> None:
    """Send all events; each waits for ``lead``, which an answer gives back."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for key, value in events:
            await lead.acquire()
            tally.note_sent(key)
            await producer.send(topic, value, key=key.encode())
        await producer.flush()
    finally:
        await producer.stop()


async def read_back(
    bootstrap: str,
    settings: Settings,
    expected: int,
    tally: Tally,
    lead: asyncio.Semaphore,
    show: Callable[[ConsumerRecord[Any, Any]], None],
) -> None:
    """Note and show outputs and dead letters until every one of ``expected`` events has one.

    Raises:
        WorkerError: nothing comes any more, and not all is there.
    """
    consumer = AIOKafkaConsumer(
        settings.output_topic,
        settings.dead_letter_topic,
        bootstrap_servers=bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
        isolation_level=settings.isolation_level,
    )
    await consumer.start()
    try:
        while len(tally.answers) < expected:
            try:
                record = await asyncio.wait_for(consumer.getone(), PATIENCE_SECONDS)
            except TimeoutError:
                raise WorkerError(
                    Code.DEMO_TIMED_OUT,
                    f"no answer for {PATIENCE_SECONDS:g} s: {len(tally.answers)} of {expected} events were answered",
                ) from None
            _note(record, record.topic == settings.dead_letter_topic, tally)
            lead.release()
            show(record)
    finally:
        await consumer.stop()


def _note(record: ConsumerRecord[Any, Any], is_dead_letter: bool, tally: Tally) -> None:
    key = record.key.decode()
    if is_dead_letter:
        tally.note_dead_letter(key, dict(record.headers)["__dlq.errors.reason"].decode())
        return
    verdict = json.loads(record.value)["sentiment"]
    latency = time.time() - record.timestamp / 1000
    tally.note_output(key, Sentiment(verdict["sentiment"]), verdict["polarity"], latency)

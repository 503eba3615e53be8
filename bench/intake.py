"""How much of the machine the worker itself costs: ours against a raw aiokafka loop, on real Kafka, in one run.

    make bench                                   # starts apache/kafka in Docker
    make bench ARGS="--bootstrap HOST:PORT"      # or uses the Kafka that is there

Each case is a process of its own that answers the same preloaded topic; CPU seconds are that process's own, from the
first poll to the last acknowledgement. The raw loop polls, decodes, encodes, publishes and commits with the worker's
own codec and nothing else: it is the ceiling. Exits 1 when a bar is missed.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.stubs import StubClassifier, bundled_tokenizer
from worker.app import create_app
from worker.codec import Codec
from worker.delivery.publisher import MAX_BATCH_BYTES
from worker.fetch import Fetch
from worker.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
PARTITIONS = 4
STUB_SECONDS, STUB_BATCH = 0.05, 256
TIMED = "50 ms per 256"
CASES: dict[str, Callable[[], StubClassifier]] = {
    "free device": StubClassifier,
    "free device, tokenised": lambda: StubClassifier(tokenizer=bundled_tokenizer()),
    TIMED: lambda: StubClassifier(seconds=STUB_SECONDS, batch_size=STUB_BATCH),
}


@dataclass(frozen=True)
class Measured:
    """One case's figures."""

    case: str
    events: int
    wall: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.events / self.wall

    @property
    def per_cpu_second(self) -> float:
        return self.events / self.cpu


def event(number: int, text: str) -> bytes:
    """A JSON event of about 194 bytes."""
    return json.dumps(
        {"id": f"event-{number:08d}", "source": "bench", "attributes": {"shop": 7}, "text": text}
    ).encode()


async def load(bootstrap: str, topic: str, events: int) -> None:
    """Fill the topic with real sentences."""
    from worker.embedded.sample import rated_sentences

    sentences = [sentence.text for sentence in rated_sentences()]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (topic, f"{topic}.out", f"{topic}.dead")])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=MAX_BATCH_BYTES)
    await producer.start()
    for partition in range(PARTITIONS):
        batch = producer.create_batch()
        for number in range(partition, events, PARTITIONS):
            row = {"timestamp": None, "key": b"%d" % number, "value": event(number, sentences[number % len(sentences)])}
            if batch.append(**row) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(**row)
        await (await producer.send_batch(batch, topic, partition=partition))
    await producer.stop()


class Clock:
    """Wall and CPU time of this process since it was started."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def start(self) -> None:
        if not self.wall:
            self.wall, self.cpu = time.monotonic(), _cpu()

    def measured(self, case: str, events: int) -> Measured:
        return Measured(case, events, time.monotonic() - self.wall, _cpu() - self.cpu)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def raw_loop(settings: Settings, events: int) -> Measured:
    """The ceiling: poll, decode, encode, publish, commit."""
    stub = StubClassifier()
    codec, topic = Codec(settings, stub.card), settings.input_topics[0]
    servers = list(settings.bootstrap_servers)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id=settings.group_id,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", enable_idempotence=True, max_batch_size=MAX_BATCH_BYTES
    )
    await consumer.start()
    await producer.start()
    clock, done = Clock(), 0
    while done < events:
        polled = await consumer.getmany(timeout_ms=1000, max_records=2000)
        clock.start()
        deliveries = []
        for tp, records in polled.items():
            fetch = Fetch(tp.topic, tp.partition, records, records[-1].offset + 1, 0.0)
            decoded = codec.decode(records)
            count = len(decoded.texts)
            verdicts = stub.verdicts(
                np.full((count, 3), 1 / 3, np.float32), np.ones(count, np.int32), np.zeros(count, np.bool_)
            )
            batch = producer.create_batch()
            outputs = codec.encode(fetch, decoded, decoded.slots, verdicts, "2026-01-01T00:00:00.000Z")
            for slot, (value, headers) in zip(decoded.slots, outputs, strict=True):
                record = records[slot]
                row = {"timestamp": record.timestamp, "key": record.key, "value": value, "headers": [*headers]}
                if batch.append(**row) is None:
                    deliveries.append(await producer.send_batch(batch, settings.output_topic, partition=tp.partition))
                    batch = producer.create_batch()
                    batch.append(**row)
            deliveries.append(await producer.send_batch(batch, settings.output_topic, partition=tp.partition))
            done += len(records)
        await asyncio.gather(*deliveries)
        await consumer.commit()
    result = clock.measured("raw aiokafka loop", done)
    await consumer.stop()
    await producer.stop()
    return result


async def whole_worker(settings: Settings, events: int, case: str) -> Measured:
    """The worker as it is, with a stub in the device's place, from the first fetch to the last acknowledgement."""
    classifier = CASES[case]()
    app = create_app(settings, load=lambda _: classifier)  # type: ignore[arg-type, return-value]
    clock = Clock()
    submit = app.engine.submit

    async def timed_submit(fetch: Fetch) -> None:
        clock.start()
        await submit(fetch)

    app.engine.submit = timed_submit  # type: ignore[method-assign]
    await app.start()
    while (statistics := app.engine.statistics()) is None or statistics.published < events:
        await asyncio.sleep(0.005)
    result = clock.measured(case, events)
    if classifier.seconds:  # by the clock, from the device's first batch to its last
        result = Measured(case, classifier.texts, classifier.last - classifier.first, result.cpu)
    await app.stop()
    return result


def case_process(bootstrap: str, topic: str, case: str, events: int) -> Measured:
    """Run a case in a process of its own, alone on the machine."""
    command = [sys.executable, "-m", "bench.intake", "--bootstrap", bootstrap, "--topic", topic, "--case", case]
    run = subprocess.run([*command, "--events", str(events)], capture_output=True, text=True, check=False, cwd=ROOT)
    if run.returncode:
        sys.exit(f"{case} failed:\n{run.stderr[-3000:]}")
    return Measured(**json.loads(run.stdout.splitlines()[-1]))


def run_case(bootstrap: str, topic: str, case: str, events: int) -> None:
    settings = load_settings(
        bootstrap_servers=bootstrap,
        input_topics=topic,
        output_topic=f"{topic}.out",
        dead_letter_topic=f"{topic}.dead",
        group_id=f"{topic}.{os.getpid()}",  # a group of its own: each run reads the topic from the start
        web_port=0,
        max_batch_size=STUB_BATCH,
        max_batch_tokens=1_000_000,
    )
    body = raw_loop(settings, events) if case == "raw" else whole_worker(settings, events, case)
    measured = asyncio.get_event_loop().run_until_complete(body)
    print(json.dumps(measured.__dict__), flush=True)
    os._exit(0)


def report(rows: list[tuple[Measured, float, float, str]]) -> bool:
    """Print the table; whether every bar is met."""
    print(f"{'case':<28}{'events/s':>12}{'per CPU s':>12}{'of ceiling':>12}{'bar':>8}")
    passed = True
    for measured, share, bar, basis in rows:
        print(
            f"{measured.case:<28}{measured.per_second:>12,.0f}{measured.per_cpu_second:>12,.0f}"
            f"{share:>12.3f}{bar or '':>8} {basis}{'' if share >= bar else '  MISSED'}"
        )
        passed &= share >= bar
    return passed


def bench(bootstrap: str, events: int, rounds: int) -> bool:
    topic = f"bench-{int(time.time())}"
    asyncio.run(load(bootstrap, topic, events))
    # Rounds interleave the cases, so that noise on the machine hits all of them; the best of each counts.
    runs: dict[str, list[Measured]] = {case: [] for case in ("raw", *CASES)}
    for _ in range(rounds):
        for case, measured in runs.items():
            measured.append(case_process(bootstrap, topic, case, min(events, 50_000) if case == TIMED else events))
    best = {case: max(measured, key=lambda m: m.per_cpu_second) for case, measured in runs.items()}
    stubbed = max(runs[TIMED], key=lambda m: m.per_second)
    ceiling = STUB_BATCH / STUB_SECONDS
    raw = best["raw"]
    return report(
        [
            (raw, 1.0, 0, "the ceiling"),
            (best["free device"], best["free device"].per_cpu_second / raw.per_cpu_second, 0.6, "per CPU second"),
            (
                best["free device, tokenised"],
                best["free device, tokenised"].per_cpu_second / raw.per_cpu_second,
                0.4,
                "per CPU second",
            ),
            (stubbed, stubbed.per_second / ceiling, 0.97, f"of {ceiling:,.0f}/s by the clock"),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", help="a Kafka that is there; without it apache/kafka is started in Docker")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3, help="times each case is run; the best counts")
    parser.add_argument("--topic", help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        run_case(options.bootstrap, options.topic, options.case, options.events)
    with ExitStack() as stack:
        bootstrap = options.bootstrap
        if bootstrap is None:
            sys.path.insert(0, str(ROOT / "tests"))
            from integration.kafka_container import KafkaContainer

            bootstrap = stack.enter_context(KafkaContainer()).bootstrap
        passed = bench(bootstrap, options.events, options.rounds)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

"""The producer: a steady stream of events in a thread of its own, and bursts on demand."""

import threading
import time
from typing import Any

from confluent_kafka import KafkaException, Producer

from chaos.events import IDENTITY, Event, Source

STEP_SECONDS = 0.05


class Load:
    """Produces ``rate`` events a second, idempotently and in order.

    ``sent`` counts what the broker has acknowledged, ``failed`` what it has not taken at last.
    """

    def __init__(self, bootstrap: str, topic: str, source: Source, rate: float) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._rate = rate
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._producer = self._connect()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.source = source
        self.sent = self.failed = 0
        self.error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the stream; returns when the broker has all of it, or raises what ended it."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.flush()
        if self.error is not None:
            raise self.error

    def burst(self, kind: str, count: int, partition: int) -> None:
        """Produce ``count`` events of one kind in a row in one partition, nothing in between."""
        with self._lock:
            for _ in range(count):
                self._produce(self.source.make(kind, partition % self.source.partitions))

    def grow(self, partitions: int) -> None:
        """Write to that many partitions from now on."""
        with self._lock:
            self._producer.flush(60)
            self._producer = self._connect()
            self._producer.list_topics(self._topic, timeout=30)
            self.source.partitions = partitions

    def pause(self) -> None:
        """Produce nothing until ``resume``; returns when the broker has what was produced."""
        self._lock.acquire()
        try:
            self.flush()
        except BaseException:
            self._lock.release()
            raise

    def resume(self, *, generation: bool) -> None:
        """Go on; ``generation``: with keys that were not there before, and a producer that knows of nothing."""
        if generation:
            self.source.generation += 1
            self._producer = self._connect()
        self._lock.release()

    def flush(self) -> None:
        if self._producer.flush(120):
            raise TimeoutError("the brokers do not take what was produced before")

    def _connect(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": 300_000,
                "topic.metadata.refresh.interval.ms": 2_000,
                "message.max.bytes": 1_000_000,
                "log_level": 0,
            }
        )

    def _run(self) -> None:
        try:
            due, last = 0.0, time.monotonic()
            while not self._ended.wait(STEP_SECONDS):
                with self._lock:
                    now = time.monotonic()
                    due, last = min(due + (now - last) * self._rate, self._rate), now
                    while due >= 1:
                        self._produce(self.source.next())
                        due -= 1
                    self._producer.poll(0)
        except BaseException as error:
            self.error = error

    def _produce(self, event: Event) -> None:
        more: dict[str, Any] = {} if event.timestamp_ms is None else {"timestamp": event.timestamp_ms}
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    event.value,
                    event.key,
                    event.partition,
                    on_delivery=self._delivered,
                    headers=[(IDENTITY, event.identity)],
                    **more,
                )
                return
            except BufferError:  # the broker is away
                self._producer.poll(0.1)
            except KafkaException:  # a partition that the producer does not know yet
                self._producer.list_topics(self._topic, timeout=30)

    def _delivered(self, error: Any, _: Any) -> None:
        if error is None:
            self.sent += 1
        else:
            self.failed += 1

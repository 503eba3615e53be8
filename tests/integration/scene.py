"""The tools of one integration test: a client, topics, and workers that never outlive it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from integration.client import Client
from integration.inputs import PRIVATE
from integration.kafka_container import KafkaContainer
from integration.polling import eventually
from integration.process import Worker
from integration.topics import Topics


class Reachable(Protocol):
    """A broker, whoever runs it."""

    @property
    def bootstrap(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """The tools of a test: a client, its topics, the settings of its workers."""

    client: Client
    topics: Topics
    settings: dict[str, object]
    start: Callable[..., Worker]
    """Starts a worker with these settings, changed by keyword, and waits until it is ready (``ready=False``: not)."""

    def wait_for_answers(self, count: int, seconds: float = 60.0) -> None:
        """Until outputs and dead letters are ``count`` or more."""
        topics = (self.topics.output, self.topics.dead_letters)
        eventually(lambda: self.client.count(*topics) >= count, f"{count} answers", seconds)

    def wait_for_commits(self, topic: str | None = None) -> None:
        """Until the group's offsets are the ends of the input's partitions, those without a record left out."""
        topic = topic or self.topics.input

        def reached() -> bool:
            ends = {partition: end for partition, end in self.client.end_offsets(topic).items() if end}
            committed = self.client.committed(self.topics.group, topic)
            return {partition: committed.get(partition) for partition in ends} == ends

        eventually(reached, f"the group has committed the ends of {topic}")

    def inputs(self) -> list[Any]:
        return self.client.read(self.topics.input)

    def outputs(self) -> list[Any]:
        return self.client.read(self.topics.output)

    def dead_letters(self) -> list[Any]:
        return self.client.read(self.topics.dead_letters)


@contextmanager
def scene_at(broker: Reachable, client: Client, model: Path, logs: Path) -> Iterator[Scene]:
    """Topics of a test's own, whose workers end with it and have told no text in their logs."""
    topics = Topics.new()
    settings = topics.settings(broker.bootstrap, model)
    workers: list[Worker] = []

    def start(ready: bool = True, **changes: Any) -> Worker:
        process = {name: changes.pop(name) for name in ("command", "variables") if name in changes}
        worker = Worker(settings | changes, logs / f"worker-{len(workers)}.log", **process)
        workers.append(worker)
        return worker.wait_ready() if ready else worker

    try:
        yield Scene(client, topics, settings, start)
    finally:
        for worker in workers:
            worker.kill()
    for worker in workers:
        assert PRIVATE not in worker.log, f"an event's text is in {worker.log_path}"


@contextmanager
def scene_of_its_own(kafka: KafkaContainer, model: Path, logs: Path) -> Iterator[Scene]:
    """A scene on a Kafka that the test has to itself, with a client."""
    with closing(Client(kafka.bootstrap, real=True)) as client, scene_at(kafka, client, model, logs) as scene:
        yield scene

"""Compare ``/metrics`` with what a real worker does: while its model loads, at work, and after."""

import sys
import urllib.request

import pytest
from integration.client import Message
from integration.inputs import PRIVATE, keyed
from integration.polling import eventually
from integration.process import Worker
from integration.scene import Scene
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from worker.observability.metrics import Metrics

pytestmark = pytest.mark.kafka

EVENTS, BROKEN = 3_000, 30
ALWAYS_THERE = ("process_resident_memory_bytes", "process_cpu_seconds_total", "python_info")


def scrape(worker: Worker) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=20) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        return str(response.read().decode())


class Page:
    """The samples of a scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values: dict[str, float] = {}
        """Sums over all labels but those of buckets."""
        for family in self.families.values():
            for sample in family.samples:
                self._values[sample.name] = self._values.get(sample.name, 0) + sample.value

    def __getitem__(self, name: str) -> float:
        prefix = "" if name in ALWAYS_THERE else "sentiment_worker_"
        return self._values[prefix + name]

    def labels(self, name: str) -> list[dict[str, str]]:
        return [sample.labels for sample in self.families[f"sentiment_worker_{name}"].samples]


def test_a_scrape_while_the_model_loads_shows_all_that_is_declared(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start(ready=False, command=(sys.executable, "-m", "integration.apps.loading"))
    eventually(lambda: "the load has begun" in worker.log, "the model is loading", 60)
    page = Page(scrape(worker))
    registry = CollectorRegistry()
    Metrics(registry)
    assert {family.name for family in registry.collect()} <= page.families.keys()
    assert [page[name] > 0 for name in ALWAYS_THERE] == [True] * len(ALWAYS_THERE)
    assert (page["alive"], page["ready"], page["received_messages_total"], page["assigned_partitions"]) == (1, 0, 0, 0)
    assert page.labels("model_load_seconds") == page.labels("consumer_lag") == []


def test_after_the_work_each_number_is_that_of_the_events(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, keyed(range(EVENTS)))
    scene.client.produce(topics.input, [Message(b"not json", key=b"%d" % number) for number in range(BROKEN)])
    worker = scene.start()
    seen = [Page(scrape(worker))["received_messages_total"] for _ in range(20)]  # under load
    assert seen == sorted(seen)
    scene.wait_for_commits()

    eventually(lambda: worker.page("statistics")["pending_events"] == 0, "all is answered")
    page, statistics = Page(scrape(worker)), worker.page("statistics")
    assert (page["received_messages_total"], page["published_messages_total"]) == (EVENTS + BROKEN, EVENTS)
    assert page["dead_letter_messages_total"] == page["published_dead_letter_messages_total"] == BROKEN
    for name in ("processing_latency", "end_to_end_latency"):
        assert page[f"{name}_seconds_count"] == EVENTS + BROKEN
    assert page["end_to_end_latency_seconds_sum"] >= page["processing_latency_seconds_sum"] > 0
    batches = page["batch_flush_total"]
    for name in ("batch_size", "batch_tokens", "batch_padding_ratio", "batch_wait_seconds", "inference_seconds"):
        assert page[f"{name}_count"] == batches > 0
    assert page["batch_size_sum"] == EVENTS
    assert 0 <= page["batch_padding_ratio_sum"] < batches
    assert page["model_load_seconds"] > 0
    assert (page["ready"], page["alive"], page["assignments_total"] >= 1) == (1, 1, True)
    partitions = [{"topic": topics.input, "partition": number} for number in "0123"]
    assert sorted(page.labels("consumer_lag"), key=str) == sorted(partitions, key=str)
    assert page["assigned_partitions"] == len(partitions)
    assert page["consumer_lag"] == page["oldest_uncommitted_seconds"] == page["pending_messages"] == 0
    assert page["backpressure_seconds_total"] >= 0
    assert PRIVATE not in page.text
    assert topics.group not in page.text
    names = ("received", "published", "dead_lettered", "batches", "batch_events", "batch_tokens")
    shown = ("received_messages_total", "published_messages_total", "published_dead_letter_messages_total")
    of_batches = ("batch_size_count", "batch_size_sum", "batch_tokens_sum")
    assert [statistics[name] for name in names] == [page[name] for name in (*shown, *of_batches)]
    assert statistics["dead_letter_reasons"] == {"not_json": BROKEN}


def test_a_full_worker_shows_lag_backpressure_and_the_age_of_what_it_holds(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, keyed(range(EVENTS)))
    worker = scene.start(command=(sys.executable, "-m", "integration.apps.slow", "3600"), max_pending_events=100)
    eventually(lambda: Page(scrape(worker))["backpressure_seconds_total"] > 0, "the worker is full")
    first = Page(scrape(worker))
    assert first["pending_messages"] > 0
    assert first["in_flight_batches"] > 0
    eventually(
        lambda: Page(scrape(worker))["backpressure_seconds_total"] > first["backpressure_seconds_total"], "grows"
    )
    eventually(lambda: Page(scrape(worker))["oldest_uncommitted_seconds"] > first["oldest_uncommitted_seconds"], "ages")
    eventually(lambda: Page(scrape(worker))["consumer_lag"] == EVENTS, "nothing is answered")
    assert worker.page("livez") == {"alive": True}

"""Stops, restarts, crashes and shared partitions, on a real Kafka."""

import json
import re
import signal
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from integration.client import dead_letter_source, place, repeated
from integration.inputs import keyed, mixed
from integration.models import save_tiny_model
from integration.polling import eventually
from integration.scene import Scene

from worker.deadline import STOP_GRACE

pytestmark = pytest.mark.kafka


def ids(outputs: list[Any]) -> list[int]:
    return [json.loads(output.value)["id"] for output in outputs]


def disordered(outputs: list[Any]) -> list[tuple[bytes, int, int]]:
    """Neighbours of one key that are out of order, repeats aside."""
    by_key: dict[bytes, dict[int, None]] = defaultdict(dict)
    for output in outputs:
        by_key[output.key].setdefault(json.loads(output.value)["id"])
    return [(key, a, b) for key, numbers in by_key.items() for a, b in pairwise(numbers) if a > b]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_under_load_exits_0_and_the_next_worker_goes_on_without_loss_or_repeat(
    scene: Scene, signum: signal.Signals
) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, keyed(range(12_000)))
    first = scene.start(max_batch_size=16, max_pending_events=500)
    scene.wait_for_answers(200)
    assert first.stop(signum) == 0
    assert re.search(r"drained: what was started is finished; [\d,]+ events? (is|are) not answered", first.log)
    assert first.warnings == [], "a clean stop is no trouble"
    answered = scene.client.count(topics.output)
    assert answered < 12_000, "stopped too late to show anything"
    assert sum(scene.client.committed(topics.group, topics.input).values()) == answered
    scene.start()
    scene.wait_for_answers(12_000)
    scene.wait_for_commits()
    outputs = scene.outputs()
    assert sorted(ids(outputs)) == list(range(12_000))
    assert disordered(outputs) == []


def test_a_stop_that_runs_out_of_time_exits_1_and_the_rest_is_read_again(scene: Scene, tmp_path: Path) -> None:
    topics, slow = scene.topics, tmp_path / "slow"
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start(
        command=(*_python("-m", "integration.apps.slow"), "8", str(slow)),
        max_batch_size=16,
        max_batch_time=0.05,
        drain_timeout=3,
    )
    scene.client.produce(topics.input, keyed(range(16)))
    scene.wait_for_commits()
    slow.touch()
    scene.client.produce(topics.input, keyed(range(16, 200)))
    eventually(lambda: worker.page("statistics")["in_flight_batches"] > 0, "the device is at work")
    started = time.monotonic()
    assert worker.stop() == 1
    assert time.monotonic() - started < 3 + STOP_GRACE + 5
    assert "Traceback" not in worker.log
    assert 16 <= sum(scene.client.committed(topics.group, topics.input).values()) <= scene.client.count(topics.output)
    scene.start()
    scene.wait_for_commits()
    outputs = scene.outputs()
    assert set(ids(outputs)) == set(range(200))
    assert disordered(outputs) == []


def test_a_stop_while_the_model_loads_is_not_kept_waiting(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start(ready=False, command=_python("-m", "integration.apps.loading"))
    eventually(lambda: "the load has begun" in worker.log, "the model is loading", 60)
    assert worker.stop(seconds=15) == 0
    assert "stopped before the model was loaded: nothing was read" in worker.log
    assert "Traceback" not in worker.log


def test_two_workers_share_the_partitions_and_one_survives_the_others_kill(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    killed = scene.start(max_batch_size=16, max_pending_events=500)
    survivor = scene.start(max_batch_size=16, max_pending_events=500)
    eventually(lambda: "[0,1,2,3]" not in killed.log.rsplit("assigned: ", 1)[-1], "the partitions are shared")
    scene.client.produce(topics.input, keyed(range(8_000)))
    eventually(
        lambda: all((w.page("statistics") or {}).get("published", 0) > 100 for w in (killed, survivor)), "both work"
    )
    eventually(lambda: len(scene.client.committed(topics.group, topics.input)) == 4, "both have committed")
    committed = sum(scene.client.committed(topics.group, topics.input).values())
    assert 0 < committed < 8_000, "killed too early or too late to show anything"
    killed.kill()
    # What the broker had received of it is answered even after the kill: at most what was pending.
    uncommitted = scene.client.count(topics.output) - committed + 500
    scene.wait_for_commits()
    outputs = scene.outputs()
    assert set(ids(outputs)) == set(range(8_000))
    assert disordered(outputs) == []
    verdicts = defaultdict(set)
    for output in outputs:
        event = json.loads(output.value)
        verdicts[event["id"]].add(event["sentiment"]["id"])
    assert all(len(names) == 1 for names in verdicts.values()), "a repeat carries another id"
    assert len(repeated(ids(outputs))) <= uncommitted, "more is repeated than was published and not committed"
    assert survivor.running


def test_10000_inputs_valid_and_broken_are_each_answered_exactly_once(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start()
    scene.client.produce(topics.input, mixed(range(10_000)))
    scene.wait_for_commits()
    assert scene.client.count(topics.output) == 9_000
    assert scene.client.count(topics.dead_letters) == 1_000
    assert not repeated(ids(scene.outputs()))
    statistics = worker.page("statistics")
    assert (statistics["published"], statistics["dead_lettered"]) == (9_000, 1_000)
    assert worker.running
    assert worker.page("readyz") == {"ready": True, "reasons": []}


def test_a_model_without_finite_scores_stops_the_worker_and_nothing_is_committed(scene: Scene, tmp_path: Path) -> None:
    """The load already proves that the model has scores to give."""
    broken = save_tiny_model(tmp_path / "broken", broken=True)
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, keyed(range(50)))
    worker = scene.start(ready=False, model=broken)
    assert worker.wait() != 0
    assert "Traceback" not in worker.log
    assert scene.client.count(topics.output, topics.dead_letters) == 0
    assert scene.client.committed(topics.group, topics.input) == {}


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("decode", "decode broke on purpose"),
        ("tokenise", "the tokenizer no longer works"),
        ("device", "device broke on purpose"),
        ("publish", "publish broke on purpose"),
    ],
)
def test_a_crash_of_any_stage_exits_non_zero_and_commits_nothing_unpublished(
    scene: Scene, tmp_path: Path, stage: str, message: str
) -> None:
    topics, broken = scene.topics, tmp_path / "broken"
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, keyed(range(200)))
    worker = scene.start(
        command=(*_python("-m", "integration.apps.crashing"), stage, str(broken)),
        max_batch_size=16,
        max_pending_events=400,
    )
    scene.wait_for_commits()
    broken.touch()
    scene.client.produce(topics.input, keyed(range(200, 2_000)))
    assert worker.wait() == 1
    assert message in worker.log
    assert "Event loop is closed" not in worker.log
    published = scene.client.end_offsets(topics.output)
    committed = scene.client.committed(topics.group, topics.input)
    assert sum(committed.values()) >= 200
    assert [partition for partition, offset in committed.items() if offset > published[partition]] == []
    scene.start()
    scene.wait_for_commits()
    assert set(ids(scene.outputs())) == set(range(2_000))


def test_a_flood_of_invalid_events_stops_the_worker_with_the_settings_that_let_it_pass(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    flood, bad = 6_000, b"no JSON"
    scene.client.produce(topics.input, keyed(range(100)))
    worker = scene.start()
    scene.wait_for_commits()
    scene.client.produce(topics.input, [message._replace(value=bad) for message in keyed(range(flood))])
    assert worker.wait() == 1
    said = " ".join(worker.log.rsplit("sentiment-worker: ", 1)[-1].split())
    assert "Traceback" not in worker.log
    assert "the stop hangs" not in worker.log, "its watchdog had to end it"
    assert re.match(r"more than 1,000 events in a row .*\(not_json 1,001\), the first at offset ", said)
    committed = scene.client.committed(topics.group, topics.input)
    assert 100 <= sum(committed.values()) <= scene.client.count(topics.output, topics.dead_letters) < 100 + flood
    limits = {flag.replace("-", "_"): value for flag, value in re.findall(r"--(\S+) ([\d.]*\d)", said)}
    worker = scene.start(**limits)
    scene.wait_for_commits()
    assert worker.page("statistics")["received"] > 1_001, "nothing was left to let pass"
    dead = {dead_letter_source(record) for record in scene.dead_letters()}
    assert dead == {place(record) for record in scene.inputs() if record.value == bad}
    assert worker.stop() == 0


def _python(*arguments: str) -> tuple[str, ...]:
    import sys

    return (sys.executable, *arguments)

"""Events that are not meant to be classified, and large ones made on purpose, on a real Kafka."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from integration.client import Message, dead_letter_source
from integration.inputs import PRIVATE
from integration.polling import eventually
from integration.process import START_SECONDS
from integration.scene import Scene

pytestmark = pytest.mark.kafka

HEADERS = [("trace", b"4bf9"), ("none", None)]
CREATE = b'{"op":"c","id":%d,"after":{"text":"zanzibar was good"}}'
DELETE = b'{"op":"d", "id":%d, "after":null}'
BROKEN = b'{"op":"c","id":%d,"after"'
EVENTS = 300


def change(number: int) -> Message:
    """One create in three, two deletes; one record in fifty is broken."""
    shape = BROKEN if number % 50 == 7 else CREATE if number % 3 == 0 else DELETE
    return Message(shape % number, key=b"key-%d" % (number % 5), headers=HEADERS, timestamp=1_000 + number)


def statistics_of(worker: Any) -> dict[str, Any]:
    found = worker.page("statistics")
    assert found is not None
    return dict(found)


@pytest.mark.parametrize("changes", [{"on_no_text": "forward"}, {"classify_if": "/op=c"}], ids=str)
def test_deletes_are_forwarded_unchanged_in_order_and_counted(scene: Scene, changes: dict[str, object]) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, [change(number) for number in range(EVENTS)])
    worker = scene.start(text_path="/after/text", max_consecutive_invalid=1, **changes)
    scene.wait_for_commits()
    inputs = scene.inputs()
    broken = [record for record in inputs if record.value.endswith(b'"after"')]
    assert len(scene.dead_letters()) == len(broken)
    outputs = scene.outputs()
    expected = [record for record in inputs if not record.value.endswith(b'"after"')]
    assert len(outputs) == len(expected)
    for output, before in zip(outputs, expected, strict=True):  # both partition by partition, in offset order
        assert (output.partition, output.key, output.timestamp) == (before.partition, before.key, before.timestamp)
        assert [*output.headers] == HEADERS
        if b'"op":"d"' in before.value:
            assert output.value == before.value
        else:
            assert "sentiment" in json.loads(output.value)
    found = statistics_of(worker)
    deletes = sum(b'"op":"d"' in record.value for record in inputs)
    assert (found["forwarded"], found["skipped"], found["pending_events"]) == (deletes, 0, 0)
    assert found["received"] == found["published"] + found["dead_lettered"] + found["forwarded"] == EVENTS


def test_skipped_events_are_counted_and_committed_without_any_output(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, [Message(DELETE % number, key=b"%d" % number) for number in range(EVENTS)])
    worker = scene.start(text_path="/after/text", max_consecutive_invalid=1, on_no_text="skip")
    scene.wait_for_commits()
    assert scene.client.count(topics.output, topics.dead_letters) == 0
    found = statistics_of(worker)
    assert (found["received"], found["skipped"], found["pending_events"]) == (EVENTS, EVENTS, 0)
    assert worker.stop() == 0


def test_large_events_made_on_purpose_are_answered_and_hold_up_no_page(scene: Scene, tmp_path: Path) -> None:
    topics, go_on = scene.topics, tmp_path / "go on"
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    head = b'{"text":"zanzibar was good",'
    large = [
        head + b'"n":[' + b",".join([b"1e999"] * 110_000) + b"]}",
        head + b",".join([b'"sentiment":1'] * 50_000) + b"}",
        head + b'"n":' + b"[" * 400_000,
    ]
    scene.client.produce(topics.input, [Message(value, partition=0) for value in large])
    worker = scene.start(command=(sys.executable, "-m", "integration.apps.held", str(go_on)), ready=False)
    eventually(lambda: "a large fetch is held" in worker.log, "a large fetch is about to be decoded", START_SECONDS)
    eventually(lambda: worker.page("readyz"), "the worker gets ready while the decoding takes its time")
    assert worker.page("livez") == {"alive": True}
    assert statistics_of(worker)["published"] == 0
    assert scene.client.count(topics.output, topics.dead_letters) == 0
    go_on.touch()
    scene.wait_for_commits()
    assert len(scene.outputs()) == 2
    assert all(PRIVATE.encode() in output.value for output in scene.outputs())
    assert [dead_letter_source(record)[2] for record in scene.dead_letters()] == [2]


def test_every_dead_letter_is_in_the_log_although_none_follows(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start()
    for text in (b"no JSON", b"[1]"):  # the log says the first at once, and the other by itself
        scene.client.produce(topics.input, [Message(text, partition=0)])
        scene.wait_for_commits()
    eventually(lambda: "1 dead letter: not_json 1" in worker.log, "the log hears of the first dead letter")
    eventually(lambda: "1 dead letter: not_an_object 1" in worker.log, "the log hears of the other one")
    assert worker.running

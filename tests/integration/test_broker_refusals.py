"""Records that a real broker refuses: each becomes a dead letter, and its neighbours go through in order."""

import json
import time
from typing import Any

import pytest
from integration.client import Message, place
from integration.inputs import valid
from integration.scene import Scene

pytestmark = pytest.mark.kafka

LIMIT = 20_000
COUNT = 60
TOO_LARGE, TOO_OLD, KEYLESS = 11, 23, 37


def message(number: int) -> Message:
    """Event ``number``; three of them are not for the output topic below."""
    now = int(time.time() * 1000)
    if number == TOO_LARGE:
        large = json.dumps({"id": number, "text": "long", "pad": "x" * (LIMIT - 200)}).encode()
        return Message(large, b"key", timestamp=now, partition=0)
    key = None if number == KEYLESS else b"key"
    return Message(valid(number), key, timestamp=1_000 if number == TOO_OLD else now, partition=0)


def test_what_the_broker_refuses_is_a_dead_letter_and_the_rest_goes_on_in_order(scene: Scene) -> None:
    client, topics = scene.client, scene.topics
    client.create(topics.input)
    client.create(
        topics.output,
        cleanup_policy="compact",  # takes no record without a key
        max_message_bytes=str(LIMIT),
        message_timestamp_before_max_ms=str(3_600_000),
    )
    client.create(topics.dead_letters, max_message_bytes=str(LIMIT))
    client.produce(topics.input, [message(number) for number in range(COUNT)])
    worker = scene.start()
    scene.wait_for_commits()
    refused = {TOO_LARGE, TOO_OLD, KEYLESS}
    assert [json.loads(r.value)["id"] for r in scene.outputs()] == [n for n in range(COUNT) if n not in refused]
    letters = {int(dict(letter.headers)["__dlq.errors.offset"]): letter for letter in scene.dead_letters()}
    reasons = {number: dict(letter.headers)["__dlq.errors.reason"].decode() for number, letter in letters.items()}
    inputs = {place(record)[2]: record for record in scene.inputs()}
    assert reasons == {TOO_LARGE: "output_too_large", TOO_OLD: "output_refused", KEYLESS: "output_refused"}
    assert letters[TOO_OLD].value == inputs[TOO_OLD].value
    # With its headers, the dead letter of the large one is too large for its topic, too.
    assert not letters[TOO_LARGE].value
    size = len(inputs[TOO_LARGE].value)
    assert dict(letters[TOO_LARGE].headers)["__dlq.errors.value_left_out"] == str(size).encode()
    assert worker.page("statistics")["dead_letter_reasons"] == {"output_too_large": 1, "output_refused": 2}
    assert worker.running


FLOOD = 20_000


@pytest.mark.parametrize(
    "event", [pytest.param({"key": b"key", "timestamp": 1_000}, id="old timestamps"), pytest.param({}, id="no keys")]
)
def test_a_flood_of_refused_outputs_stops_the_worker_or_runs_at_full_speed(scene: Scene, event: dict[str, Any]) -> None:
    """At a request for each event the second worker would not be done within the patience of this test."""
    client, topics = scene.client, scene.topics
    client.create(topics.input, topics.dead_letters, partitions=1)
    client.create(topics.output, partitions=1, cleanup_policy="compact", message_timestamp_before_max_ms="3600000")
    client.produce(topics.input, (Message(valid(number), partition=0, **event) for number in range(FLOOD)))
    stopped = scene.start(ready=False)
    assert stopped.wait() == 1
    assert f"events in a row (max_consecutive_invalid) are refused by {topics.output}" in " ".join(stopped.log.split())
    assert client.count(topics.dead_letters) <= 1_000
    worker = scene.start(max_invalid_ratio=1, max_consecutive_invalid=1_000_000)
    scene.wait_for_commits()
    letters = [int(dict(letter.headers)["__dlq.errors.offset"]) for letter in client.read(topics.dead_letters)]
    assert letters[-FLOOD + 1_000 :] == list(
        range(1_000, FLOOD)
    )  # the first worker's, and what was not committed, before
    assert {*letters} == {*range(FLOOD)}
    assert client.count(topics.output) == 0
    assert worker.running

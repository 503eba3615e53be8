"""What a real broker does not take: each becomes a dead letter, and its neighbours go through in order."""

import json
import time

import pytest
from integration.client import Message, place
from integration.conftest import Scene
from integration.inputs import valid

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

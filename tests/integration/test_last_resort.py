"""A dead letter that its topic refuses gets there all the same, as little of it as must be left out."""

from hashlib import sha256
from typing import Any

import pytest
from integration.client import Message, dead_letter_source
from integration.conftest import Scene
from integration.inputs import valid

pytestmark = pytest.mark.kafka

LARGE = 1_048_200
HEADERS, KEY, VALUE, KEYLESS, NULL, ALL, PLAIN = range(7)
BAD = b"no JSON"
EVENTS = {
    HEADERS: Message(BAD, b"key", (("h", b"x" * LARGE),), partition=0),
    KEY: Message(BAD, b"k" * LARGE, partition=0),
    VALUE: Message(b"v" * LARGE, b"key", (("h", b"1"),), partition=0),
    KEYLESS: Message(BAD, None, (("h", b"1"),), partition=0),
    NULL: Message(None, None, (("h", b"1"),), partition=0),
    ALL: Message(b"v" * LARGE, b"k" * LARGE, (("h", b"x" * LARGE),), partition=0),
    PLAIN: Message(BAD, b"key", (("h", b"1"),), partition=0),
}


def notes(letter: Any) -> dict[str, str]:
    """Return the headers that say what a letter goes without."""
    names = ("value_left_out", "value_sha256", "headers_left_out", "key_left_out", "timestamp_left_out")
    headers = {name.removeprefix("__dlq.errors."): value for name, value in letter.headers}
    return {name: headers[name].decode() for name in names if name in headers}


def test_every_dead_letter_gets_into_a_topic_that_is_compacted_and_small(scene: Scene) -> None:
    client, topics = scene.client, scene.topics
    client.create(topics.input, max_message_bytes="8000000")
    client.create(topics.output)
    client.create(topics.dead_letters, cleanup_policy="compact")
    client.produce(topics.input, EVENTS.values(), client.producer(message_max_bytes=8_000_000))
    worker = scene.start()
    scene.wait_for_commits()
    letters = {dead_letter_source(letter)[2]: letter for letter in scene.dead_letters()}
    place = f"{topics.input}-0@"
    own_key = {event: f"{place}{event}".encode() for event in EVENTS}
    digest = sha256(b"v" * LARGE).hexdigest()
    assert {event: notes(letter) for event, letter in letters.items()} == {
        HEADERS: {"value_left_out": "7", "value_sha256": sha256(BAD).hexdigest(), "headers_left_out": "1"},
        KEY: {"value_left_out": "7", "value_sha256": sha256(BAD).hexdigest(), "key_left_out": str(LARGE)},
        VALUE: {"value_left_out": str(LARGE), "value_sha256": digest},
        KEYLESS: {"key_left_out": "-1"},
        NULL: {"key_left_out": "-1"},
        ALL: {
            "value_left_out": str(LARGE),
            "value_sha256": digest,
            "headers_left_out": "1",
            "key_left_out": str(LARGE),
        },
        PLAIN: {},
    }
    assert {event: letters[event].key for event in (KEY, KEYLESS, NULL, ALL)} == {
        event: own_key[event] for event in (KEY, KEYLESS, NULL, ALL)
    }
    assert {event: letters[event].value for event in (KEYLESS, NULL, PLAIN)} == {KEYLESS: BAD, NULL: b"", PLAIN: BAD}
    assert dict(letters[VALUE].headers)["h"] == b"1"
    assert worker.stop() == 0


def test_a_dead_letter_gets_into_a_topic_that_refuses_the_time_of_its_writing(scene: Scene) -> None:
    """As one does whose broker has another idea of what time it is; here, one to which the present is the past."""
    client, topics = scene.client, scene.topics
    client.create(topics.input, topics.output)
    client.create(topics.dead_letters, message_timestamp_before_max_ms="0")
    client.produce(topics.input, [Message(BAD, b"key", partition=0)] * 50 + [Message(valid(50), b"key", partition=0)])
    worker = scene.start()
    scene.wait_for_commits()
    letters = scene.dead_letters()
    assert sorted(dead_letter_source(letter)[2] for letter in letters) == list(range(50))
    assert {"timestamp_left_out": "1"} in [notes(letter) for letter in letters]
    assert [letter.value for letter in letters] == [BAD] * 50
    assert worker.running

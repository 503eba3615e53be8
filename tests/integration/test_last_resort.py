"""A dead letter that its topic refuses gets there all the same, as little of it as must be left out."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from integration.client import Message, dead_letter_source, sources
from integration.inputs import valid
from integration.kafka_container import KafkaContainer
from integration.scene import Scene, scene_of_its_own

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


@pytest.fixture
def narrow() -> Iterator[KafkaContainer]:
    """A broker that closes the connection at a request that is larger than topics would take."""
    with KafkaContainer().with_env("KAFKA_SOCKET_REQUEST_MAX_BYTES", "1500000") as kafka:
        yield kafka


def test_an_output_at_which_the_broker_closes_the_connection_holds_nobody_up(
    narrow: KafkaContainer, tiny_model: Path, tmp_path: Path
) -> None:
    with scene_of_its_own(narrow, tiny_model, tmp_path) as scene:
        client, topics = scene.client, scene.topics
        client.create(topics.input, topics.output, topics.dead_letters, max_message_bytes="8000000")
        padded = valid(2)[:-1] + b', "padding": "' + b"x" * 3_000_000 + b'"}'
        events = [valid(0), valid(1), padded, valid(3)]
        producer = client.producer(compression_type="gzip", message_max_bytes=8_000_000)
        client.produce(topics.input, [Message(event, b"key", partition=0) for event in events], producer)
        worker = scene.start()
        scene.wait_for_commits()
        assert sources(scene.outputs()) == [(topics.input, 0, offset) for offset in (0, 1, 3)]
        (letter,) = scene.dead_letters()
        assert dead_letter_source(letter) == (topics.input, 0, 2)
        assert dict(letter.headers)["__dlq.errors.reason"] == b"output_too_large"
        assert notes(letter) == {"value_left_out": str(len(padded)), "value_sha256": sha256(padded).hexdigest()}
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

"""One worker, and what it promises of every single event. Runs on the embedded broker too."""

import json
from collections import defaultdict

import pytest
from integration.client import Message, dead_letter_source, place, repeated, sources, texts
from integration.inputs import BROKEN, keyed, valid
from integration.scene import Scene

KEYS = {"null": None, "empty": b"", "binary": b"\x00\xff\xfe", "words": b"key of a person"}
HEADERS = [("trace", b"4bf9"), ("twice", b"1"), ("twice", b"2"), ("none", None), ("empty", b"")]
LONG_AGO = 1_000_000_000_000  # 2001
VALID = 200


@pytest.fixture(scope="module")
def answered(shared_scene: Scene) -> Scene:
    """A worker that has answered every kind of input, once."""
    client, topics = shared_scene.client, shared_scene.topics
    client.create(topics.input, topics.output, topics.dead_letters)
    client.produce(topics.input, keyed(range(VALID)))
    client.produce(topics.input, [Message(valid(1_000), key=key, timestamp=LONG_AGO) for key in KEYS.values()])
    client.produce(topics.input, [Message(valid(2_000), headers=HEADERS, timestamp=LONG_AGO)])
    client.produce(topics.input, [Message(value, b"k", HEADERS, LONG_AGO) for value in BROKEN.values()])
    client.produce(topics.input, [Message(None, b"gone", HEADERS, LONG_AGO), Message(None)])
    shared_scene.start()
    shared_scene.wait_for_answers(client.count(topics.input))
    return shared_scene


def test_every_input_is_answered_exactly_once(answered: Scene) -> None:
    outputs, dead_letters = answered.outputs(), answered.dead_letters()
    tombstones = [output for output in outputs if output.value is None]
    answers = sources(texts(outputs)) + [dead_letter_source(record) for record in dead_letters]
    inputs = answered.inputs()
    assert not repeated(answers)
    assert len(tombstones) == 1
    assert set(answers) == {place(record) for record in inputs} - {
        place(record) for record in inputs if record.value is None and record.key is not None
    }


def test_an_output_is_the_input_with_a_verdict(answered: Scene) -> None:
    inputs = {place(record): record for record in answered.inputs()}
    outputs = texts(answered.outputs())
    for source, output in zip(sources(outputs), outputs, strict=True):
        before = inputs[source].value
        assert output.value.startswith(before[:-1])  # every byte of it up to the closing brace
        verdict = json.loads(output.value)["sentiment"]
        assert verdict["label"] in ("NEGATIVE", "POSITIVE")
        assert verdict["sentiment"] == verdict["label"].lower()
        assert sum(verdict["scores"].values()) == pytest.approx(1, abs=1e-4)


def test_key_headers_and_timestamp_go_through(answered: Scene) -> None:
    inputs = {place(record): record for record in answered.inputs()}
    outputs = texts(answered.outputs())
    for source, output in zip(sources(outputs), outputs, strict=True):
        before = inputs[source]
        assert (output.key, output.timestamp) == (before.key, before.timestamp)
        assert [*output.headers] == [*before.headers]
    assert {output.key for output in outputs} >= set(KEYS.values())
    assert HEADERS in [[*output.headers] for output in outputs]
    assert LONG_AGO in [output.timestamp for output in outputs]


def test_outputs_keep_their_inputs_partition_and_order(answered: Scene) -> None:
    outputs = texts(answered.outputs())
    assert [output.partition for output in outputs] == [source[1] for source in sources(outputs)]
    ids = defaultdict(list)
    for output in outputs:
        ids[output.key].append(json.loads(output.value)["id"])
    assert len(ids) > 10
    assert all(numbers == sorted(numbers) for key, numbers in ids.items() if key)


@pytest.mark.parametrize("reason", BROKEN)
def test_a_dead_letter_is_its_input_with_the_reason(answered: Scene, reason: str) -> None:
    (letter,) = (
        record for record in answered.dead_letters() if dict(record.headers)["__dlq.errors.reason"] == reason.encode()
    )
    (before,) = (record for record in answered.inputs() if record.value == BROKEN[reason])
    assert (letter.value, letter.key) == (before.value, before.key)
    assert letter.timestamp > before.timestamp  # of its writing: retention must not delete it at once
    assert [*letter.headers[: len(HEADERS)]] == HEADERS
    errors = {name.removeprefix("__dlq.errors."): value.decode() for name, value in letter.headers[len(HEADERS) :]}
    assert errors.keys() == {
        *("topic", "partition", "offset", "timestamp", "group", "stage", "reason", "exception", "message", "attempts")
    }
    assert (errors["topic"], int(errors["partition"]), int(errors["offset"])) == place(before)
    assert errors["timestamp"] == str(LONG_AGO)
    assert errors["group"] == answered.topics.group
    assert errors["stage"] == ("classify" if reason == "non_finite_scores" else "decode")
    assert errors["message"]


def test_a_tombstone_with_a_key_is_forwarded_and_one_without_is_a_dead_letter(answered: Scene) -> None:
    (forwarded,) = (output for output in answered.outputs() if output.value is None)
    assert (forwarded.key, forwarded.timestamp, [*forwarded.headers]) == (b"gone", LONG_AGO, HEADERS)
    (rejected,) = (record for record in answered.dead_letters() if record.value is None)
    assert dict(rejected.headers)["__dlq.errors.reason"] == b"null_value"


def test_the_committed_offsets_are_the_ends_of_the_input(answered: Scene) -> None:
    answered.wait_for_commits()

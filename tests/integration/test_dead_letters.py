"""Dead letters read back from their topic, and replayed although the replay is killed."""

import json
import random
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from integration.client import Message
from integration.polling import eventually
from integration.process import COMMAND, environment, run_command
from integration.scene import Scene
from kafka import KafkaConsumer, TopicPartition

from worker.dead_letters.letter import REPLAYS_HEADER
from worker.delivery.dead_letters import dead_letter_headers
from worker.errors import Reason, Rejection, Stage
from worker.fetch import Fetch

PARTITIONS = 4
LETTERS = 10_000
KILLS = 4

MENDER = """
import json, sys
for line in sys.stdin:
    event = json.loads(line)
    if event["errors"]["reason"] == "not_json" and event.get("value") is not None:
        event["value"] = json.dumps({"text": event["value"]})
    print(json.dumps(event))
"""


def written(topic: str, number: int) -> Message:
    """The dead letter of the event at offset ``number // PARTITIONS`` of a partition, as the worker writes it."""
    reason = [*Reason][number % len(Reason)]
    key = None if number % 5 == 0 else b"\x00%d" % (number % 97)
    value = None if number % 11 == 0 else b"event %d" % number + b"\xff" * (number % 3 == 0)
    own = (("n", b"%d" % number), ("bytes", b"\xfe"), ("none", None))
    record: Any = ConsumerRecord(topic, 0, number // PARTITIONS, 7, 0, key, value, None, 0, 0, own)
    fetch = Fetch(topic, number % PARTITIONS, [record], 0, 0.0)
    headers = dead_letter_headers(fetch, 0, Rejection(reason, Stage.DECODE, "as the test says"), "a-group")
    return Message(value, key, headers, partition=number % PARTITIONS)


def read_committed(bootstrap: str, topic: str) -> Iterator[Any]:
    """Yield what a consumer sees that does not read open or aborted transactions."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", consumer_timeout_ms=3_000, group_id=None
    )
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    consumer.seek_to_beginning()
    yield from consumer
    consumer.close()


@pytest.mark.kafka
def test_dead_letters_are_replayed_once_each_although_the_replay_is_killed(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.dead_letters)
    scene.client.produce(topics.dead_letters, (written(topics.input, number) for number in range(LETTERS)))
    mender = shlex.join([sys.executable, "-c", MENDER])
    command = [*COMMAND, "dead-letters", "replay", "--through", mender]
    moments = random.Random(5)
    for _ in range(KILLS):
        before = scene.client.count(topics.input)
        with subprocess.Popen(command, env=environment(scene.settings)) as replay:
            wanted = before + moments.randrange(1, LETTERS // (2 * KILLS))
            eventually(partial(lambda least: scene.client.count(topics.input) > least, wanted), "some are replayed", 60)
            replay.kill()
    ended = run_command("dead-letters", "replay", "--through", mender, settings=scene.settings)
    assert ended.returncode == 0, ended.stderr
    assert "went on where this replay ended before" in ended.stderr
    again = run_command("dead-letters", "replay", "--through", mender, settings=scene.settings)
    assert again.stdout.startswith("0 dead letters read, 0 replayed, 0 skipped")

    seen: Counter[int] = Counter()
    last: dict[int, int] = {}
    for record in read_committed(str(scene.settings["bootstrap_servers"]), topics.input):
        headers = [*record.headers]
        number = int(headers[0][1])
        sent = written(topics.input, number)
        value = sent.value
        if [*Reason][number % len(Reason)] is Reason.NOT_JSON and value is not None and number % 3 != 0:
            value = json.dumps({"text": value.decode()}).encode()
        assert (record.key, record.value) == (sent.key, value)
        assert headers == [*list(sent.headers)[:3], (REPLAYS_HEADER, b"1")]
        assert record.partition == number % PARTITIONS
        assert last.get(record.partition, -1) < number, "the order is kept"
        last[record.partition] = number
        seen[number] += 1
    assert seen == Counter(range(LETTERS))


@pytest.mark.kafka
def test_what_the_worker_could_not_answer_is_listed_shown_and_mended(scene: Scene, tmp_path: Path) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    bad = [Message(b'{"id": "%d", "body": "Good."}' % n, b"k") for n in range(3)]
    scene.client.produce(topics.input, [*bad, Message(b"[]", b"other"), Message(b'{"text": "Fine."}')])
    scene.start()
    scene.wait_for_answers(5)
    listed = run_command("dead-letters", "list", "--reason", "no_text", "--format", "jsonl", settings=scene.settings)
    letters = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [letter["value"] for letter in letters] == [message.value.decode() for message in bad if message.value]
    shown = run_command("dead-letters", "show", letters[1]["id"], settings=scene.settings)
    assert '{"id": "1", "body": "Good."}' in shown.stdout
    assert "--set-text-path" in shown.stdout
    counts = run_command("dead-letters", "list", "--format", "counts", settings=scene.settings)
    assert counts.stdout.splitlines()[0].split() == ["from", "no_text", "not_an_object"]
    mended = run_command(
        "dead-letters", "replay", "--reason", "no_text", "--set-text-path", "/body", settings=scene.settings
    )
    assert mended.stdout.splitlines() == ["4 dead letters read, 3 replayed, 1 skipped", "  1 not selected"]
    scene.wait_for_answers(8)
    answers = [json.loads(output.value) for output in scene.outputs() if output.key == b"k"]
    assert [(answer["id"], answer["text"]) for answer in answers] == [(str(n), "Good.") for n in range(3)]


@pytest.mark.kafka
def test_an_event_that_keeps_coming_back_is_left_alone_after_some_replays(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, [Message(b"[]", b"k")])
    scene.start()
    for replays in range(1, 4):
        scene.wait_for_answers(replays)
        limit = ("--max-attempts", "2", "--restart", "--from", str(replays - 1))
        ended = run_command("dead-letters", "replay", *limit, settings=scene.settings)
        assert ended.returncode == 0, ended.stderr
        expected = "1 replayed, 0 skipped" if replays <= 2 else "0 replayed, 1 skipped"
        assert expected in ended.stdout


@pytest.mark.kafka
def test_an_event_that_its_topic_refuses_holds_no_other_up(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.dead_letters)
    scene.client.create(topics.input, max_message_bytes="2000")
    letters = [
        written(topics.input, number)._replace(value=b"x" * 5_000 if number == 7 else b"v") for number in range(20)
    ]
    scene.client.produce(topics.dead_letters, letters)
    ended = run_command("dead-letters", "replay", settings=scene.settings)
    assert ended.stdout.splitlines() == ["20 dead letters read, 19 replayed, 1 skipped", "  1 refused by the topic"]
    records = [*read_committed(str(scene.settings["bootstrap_servers"]), topics.input)]
    assert sorted(int(record.headers[0][1]) for record in records) == [n for n in range(20) if n != 7]

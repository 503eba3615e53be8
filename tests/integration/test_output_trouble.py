"""Trouble of the topics that the worker writes to: it tries on, says so once, and goes on where it was."""

import json
import re
import sys

import pytest
from integration.client import Client, Message
from integration.inputs import valid
from integration.polling import eventually
from integration.process import Worker
from integration.scene import Scene

pytestmark = pytest.mark.kafka

COUNT = 40


def messages(start: int) -> list[Message]:
    return [Message(valid(number), b"key", partition=0) for number in range(start, start + COUNT)]


def ids(client: Client, topic: str) -> list[int]:
    return [json.loads(record.value)["id"] for record in client.read(topic)]


def request_timeouts(worker: Worker) -> int:
    """How long the worker has tried to write, in request timeouts."""
    return max(map(int, re.findall(r"tried in vain for (\d+) request timeouts", worker.log)), default=0)


def test_an_output_topic_that_is_deleted_is_tried_until_it_is_there_again(scene: Scene) -> None:
    client, topics = scene.client, scene.topics
    client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start(command=(sys.executable, "-m", "integration.apps.impatient"))
    client.produce(topics.input, messages(0))
    scene.wait_for_commits()
    client.delete(topics.output)
    client.produce(topics.input, messages(COUNT))
    sentence = f"{topics.output}[0] cannot be written to"
    eventually(lambda: sentence in worker.log, "the worker says that it tries on")
    eventually(lambda: request_timeouts(worker) >= 3, "it tries for longer than any request may take")
    assert worker.running
    assert topics.output not in client.topics()
    client.create(topics.output)
    scene.wait_for_commits()
    assert ids(client, topics.output) == list(range(COUNT, 2 * COUNT))
    eventually(
        lambda: f"all of {topics.output} can be written to again" in worker.log, "the worker says that it goes on"
    )
    assert worker.log.count(sentence) == 1
    assert worker.stop() == 0

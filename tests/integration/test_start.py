"""Where a new group starts, and that it matters only once."""

import json
from datetime import UTC, datetime

import pytest
from integration.client import Message
from integration.inputs import valid
from integration.scene import Scene

pytestmark = pytest.mark.kafka

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(number: int, hour: int) -> Message:
    moment = NOON.replace(hour=hour)
    return Message(valid(number), f"key-{number % 8}".encode(), timestamp=int(moment.timestamp() * 1000))


def test_a_time_is_where_a_new_group_starts_and_a_restart_goes_on_behind_it(scene: Scene) -> None:
    client, topics = scene.client, scene.topics
    client.create(topics.input, topics.output, topics.dead_letters)
    client.produce(topics.input, [at(number, 11) for number in range(40)])
    client.produce(topics.input, [at(number, 13) for number in range(40, 80)])
    first = scene.start(start_from=NOON.isoformat())
    scene.wait_for_commits()
    assert first.stop() == 0
    # Older than the start, but written behind it: the group is no new one any more.
    client.produce(topics.input, [at(number, 10) for number in range(80, 100)])
    scene.start(start_from=NOON.isoformat())
    scene.wait_for_commits()
    assert sorted(json.loads(output.value)["id"] for output in scene.outputs()) == list(range(40, 100))


def test_latest_passes_over_what_is_there(scene: Scene) -> None:
    client, topics = scene.client, scene.topics
    client.create(topics.input, topics.output, topics.dead_letters)
    client.produce(topics.input, [at(number, 11) for number in range(40)])
    scene.start(start_from="latest")
    client.produce(topics.input, [at(number, 11) for number in range(40, 60)])
    scene.wait_for_answers(20)
    scene.wait_for_commits()
    assert sorted(json.loads(output.value)["id"] for output in scene.outputs()) == list(range(40, 60))

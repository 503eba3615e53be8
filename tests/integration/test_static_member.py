"""A worker that keeps its name over a restart, and two workers of one name."""

import pytest
from integration.conftest import Scene
from integration.inputs import keyed
from integration.polling import eventually

pytestmark = pytest.mark.kafka


def test_a_static_member_comes_back_elsewhere_and_its_name_is_for_one_worker_alone(scene: Scene) -> None:
    topics, client = scene.topics, scene.client
    client.create(topics.input, topics.output, topics.dead_letters)
    named = {"group_instance_id": "worker-1", "session_timeout": 60, "metadata_max_age": 1}
    first = scene.start(**named)
    assert first.stop() == 0
    # The group still has it: no rebalance, and the assignment names the port that it had.
    again = scene.start(**named, web_host="localhost")
    assert again.port != first.port
    # It was the group's leader, and is told so under its former id: leaders watch for new partitions.
    client.add_partitions(topics.input, 6)
    eventually(lambda: "[0,1,2,3,4,5]" in again.log, "the new partitions are assigned", 30)

    other = scene.start(**named)
    assert again.wait() == 1
    assert "another worker has joined the group" in again.log
    assert "as group_instance_id 'worker-1'" in again.log
    assert "Traceback" not in again.log
    client.produce(topics.input, keyed(range(300)))
    scene.wait_for_commits()
    assert client.count(topics.output) == 300
    assert other.running
    assert other.log.count("assigned:") == 1, "the name is not taken back"

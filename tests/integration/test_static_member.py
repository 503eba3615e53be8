"""A worker that keeps its name over a restart, and two workers of one name."""

import signal
import sys

import pytest
from integration.client import ids_by_key
from integration.inputs import keyed
from integration.polling import eventually
from integration.scene import Scene

pytestmark = pytest.mark.kafka

EVENTS = 300


def test_a_static_member_comes_back_elsewhere_and_its_name_is_for_one_worker_alone(scene: Scene) -> None:
    topics, client = scene.topics, scene.client
    client.create(topics.input, topics.output, topics.dead_letters)
    named = {"group_instance_id": "worker-1", "session_timeout": 60, "metadata_max_age": 1}
    first = scene.start(**named)
    assert first.stop() == 0
    assert first.warnings == []
    # The group still has it: no rebalance, and the assignment names the port that it had.
    slow = (sys.executable, "-m", "integration.apps.slow", "0.3")
    again = scene.start(**named, web_host="localhost", command=slow, max_batch_size=16, max_batch_time=0.01)
    assert again.port != first.port
    # It was the group's leader, and is told so under its former id: leaders watch for new partitions.
    client.add_partitions(topics.input, 6)
    eventually(lambda: "[0,1,2,3,4,5]" in again.log, "the new partitions are assigned", 30)

    # Paused with outputs to send, for less than its session: the other one has its partitions at once all the same.
    client.produce(topics.input, keyed(range(EVENTS)))
    eventually(lambda: again.page("statistics")["in_flight_batches"] > 0, "the device is at work")
    again.process.send_signal(signal.SIGSTOP)
    try:
        other = scene.start(**named)
        scene.wait_for_commits()
        ends = client.end_offsets(topics.output)
    finally:
        again.process.send_signal(signal.SIGCONT)
    assert again.wait() == 1
    assert client.end_offsets(topics.output) == ends, "old results were published"
    assert "another worker has joined the group" in again.log
    assert "as group_instance_id 'worker-1'" in again.log
    assert "Traceback" not in again.log
    assert "to others" not in again.log, "it says why instead"
    client.produce(topics.input, keyed(range(EVENTS, EVENTS + 300)))
    scene.wait_for_commits()
    assert {one for numbers in ids_by_key(scene.outputs()).values() for one in numbers} == set(range(EVENTS + 300))
    assert other.running
    assert other.log.count("assigned:") == 1, "the name is not taken back"

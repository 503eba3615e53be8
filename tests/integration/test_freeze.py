"""A worker that was frozen for longer than its session lasted, on a real Kafka."""

import signal
import sys

import pytest
from integration.client import Message, ids_by_key
from integration.inputs import keyed
from integration.polling import eventually
from integration.scene import Scene

pytestmark = pytest.mark.kafka

EVENTS = 600


def test_a_worker_that_wakes_after_its_session_publishes_nothing_old(scene: Scene) -> None:
    """Its work is done by another meanwhile, and what consumers deleted of that does not come back."""
    topics, client = scene.topics, scene.client
    client.create(topics.input, topics.dead_letters)
    client.create(topics.output, cleanup_policy="compact")
    slow = (sys.executable, "-m", "integration.apps.slow", "0.3")
    frozen = scene.start(ready=False, command=slow, max_batch_size=16, max_batch_time=0.01)
    other = scene.start(ready=False)
    for worker in (frozen, other):
        worker.wait_ready()
    eventually(lambda: "[0,1,2,3]" not in frozen.log.rsplit("assigned: ", 1)[-1], "the partitions are shared")
    assigned = frozen.log.count("assigned: ")
    client.produce(topics.input, keyed(range(EVENTS)))
    eventually(lambda: frozen.page("statistics")["published"] >= 16, "some are answered")
    eventually(lambda: frozen.page("statistics")["in_flight_batches"] > 0, "the device is at work")
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        scene.wait_for_commits()
        keys = {output.key for output in scene.outputs()}
        client.produce(topics.output, [Message(None, key) for key in keys])
        ends = client.end_offsets(topics.output)
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    eventually(lambda: frozen.log.count("assigned: ") > assigned and frozen.page("readyz"), "the frozen worker is back")
    assert client.end_offsets(topics.output) == ends, "old results were published"
    last = {output.key: output.value for output in scene.outputs()}
    assert last == dict.fromkeys(keys), "deleted keys came back"
    # It works on, under another numbering if it had to drop a batch.
    client.produce(topics.input, keyed(range(EVENTS, EVENTS + 200)))
    scene.wait_for_commits()
    assert frozen.running
    answered = [output for output in scene.outputs() if output.value is not None]
    assert {one for numbers in ids_by_key(answered).values() for one in numbers} >= set(range(EVENTS, EVENTS + 200))
    assert "Traceback" not in frozen.log

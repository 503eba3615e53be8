"""Offsets that are not of their log any more: noticed, said, and nothing that is there is left out."""

import json
from collections import defaultdict

import pytest
from integration.inputs import keyed
from integration.polling import eventually
from integration.process import Worker
from integration.scene import Scene

pytestmark = pytest.mark.kafka

READ = 600
"""Records of a topic that is recreated while it is read."""


def names(scene: Scene) -> dict[str, str]:
    """Map what happens to each topic to the topic's name."""
    return {case: f"{scene.topics.input}-{case}" for case in ("beyond", "deleted", "stopped", "fewer", "more")}


def ids(scene: Scene, topic: str) -> list[int]:
    """The ids of a topic's events in the order of the output."""
    found = defaultdict(list)
    for output in scene.outputs():
        event = json.loads(output.value)
        found[event["sentiment"]["id"].rsplit("-", 3)[0]].append(event["id"])
    return found[topic]


@pytest.fixture(scope="module")
def running(shared_scene: Scene) -> Worker:
    """A worker of several topics, each with offsets of its own that are not of its log."""
    client, topics, inputs = shared_scene.client, shared_scene.topics, names(shared_scene)
    client.create(topics.output, topics.dead_letters, *inputs.values(), partitions=1)
    for case, topic in inputs.items():
        client.produce(topic, keyed(range(READ if case in ("fewer", "more") else 500)))
    client.commit(topics.group, inputs["beyond"], {0: 1200})
    client.commit(topics.group, inputs["deleted"], {0: 100})
    client.delete_records(inputs["deleted"], 0, 350)
    # A broker deletes a group's offsets with the topic, but not where the offsets were restored from elsewhere.
    of_another = f"cluster_id={client.cluster_id()} topic_id=bm90LXRoaXMtdG9waWMAAA"
    client.commit(topics.group, inputs["stopped"], {0: 100}, of_another)
    worker = shared_scene.start(input_topics=",".join(inputs.values()), metadata_max_age=1)
    for topic in inputs.values():
        shared_scene.wait_for_commits(topic)
    return worker


def test_a_committed_offset_beyond_the_end_of_the_log_loses_nothing(running: Worker, shared_scene: Scene) -> None:
    topic = names(shared_scene)["beyond"]
    assert ids(shared_scene, topic) == [*range(500)]
    assert f"{topic}[0]: offset 1200 is beyond the end of the log: the log goes from 0 to 500" in running.log
    shared_scene.client.produce(topic, keyed(range(500, 1500)))
    shared_scene.wait_for_commits(topic)  # past 1200 again, which must not have been taken for committed
    assert ids(shared_scene, topic) == [*range(1500)]


def test_what_retention_deleted_before_it_was_read_is_counted(running: Worker, shared_scene: Scene) -> None:
    topic = names(shared_scene)["deleted"]
    assert ids(shared_scene, topic) == [*range(350, 500)]
    assert f"{topic}[0]: 250 offsets from 100 on were deleted by retention before they were read" in running.log


def test_an_offset_of_another_topic_of_that_name_is_told_by_the_committed_id(
    running: Worker, shared_scene: Scene
) -> None:
    topic = names(shared_scene)["stopped"]
    assert ids(shared_scene, topic) == [*range(500)]
    assert f"{topic}[0]: the topic was deleted and created again; offset 100 is of the old one" in running.log


@pytest.mark.parametrize(("case", "records"), [("fewer", 300), ("more", 900)])
def test_a_topic_recreated_while_running_is_read_from_its_start(
    running: Worker, shared_scene: Scene, case: str, records: int
) -> None:
    """With more records than were read of the old one, only the topic's id tells."""
    topic, client, group = names(shared_scene)[case], shared_scene.client, shared_scene.topics.group
    old = client.committed_metadata(group, topic)
    new = range(10_000, 10_000 + records)
    client.delete(topic)
    client.create(topic, partitions=1)
    client.produce(topic, keyed(new), client.producer())  # the usual one counts on from the old topic
    eventually(lambda: set(ids(shared_scene, topic)) >= {*new}, f"all of the new {topic}", 60)
    shared_scene.wait_for_commits(topic)
    assert f"{topic}[0]: the topic was deleted and created again" in running.log
    assert client.committed(group, topic) == {0: records}
    assert client.committed_metadata(group, topic) != old


def test_the_number_of_resets_is_among_the_statistics(running: Worker) -> None:
    assert running.page("statistics")["offset_resets"] == running.log.count("(on_offset_reset=earliest)")


def test_on_offset_reset_latest_goes_on_with_what_comes(scene: Scene) -> None:
    topics, client = scene.topics, scene.client
    client.create(topics.input, topics.output, topics.dead_letters, partitions=1)
    client.produce(topics.input, keyed(range(500)))
    client.commit(topics.group, topics.input, {0: 1200})
    worker = scene.start(on_offset_reset="latest")
    assert "Reading goes on at 500 (on_offset_reset=latest)" in worker.log
    client.produce(topics.input, keyed(range(500, 600)))
    scene.wait_for_commits()
    assert ids(scene, topics.input) == [*range(500, 600)]


def test_on_offset_reset_fail_stops_with_a_sentence_and_commits_nothing(scene: Scene) -> None:
    topics, client = scene.topics, scene.client
    client.create(topics.input, topics.output, topics.dead_letters, partitions=1)
    client.produce(topics.input, keyed(range(500)))
    client.commit(topics.group, topics.input, {0: 1200})
    worker = scene.start(ready=False, on_offset_reset="fail")
    assert worker.wait() == 1
    assert "offset 1200 is beyond the end of the log" in worker.log
    assert "Traceback" not in worker.log
    assert client.committed(topics.group, topics.input) == {0: 1200}
    assert client.count(topics.output, topics.dead_letters) == 0

"""Topics as they are in the wild, all read by one worker: compressed, compacted, transactional."""

import json

import pytest
from integration.client import Client, Message, ids_by_key, place, repeated, sources
from integration.inputs import keyed, valid
from integration.polling import eventually
from integration.scene import Scene
from kafka.partitioner.default import murmur2

pytestmark = pytest.mark.kafka

CODECS = ("gzip", "snappy", "lz4", "zstd")
OUTPUT_PARTITIONS = 3
COUNT = 120


def names(scene: Scene) -> dict[str, str]:
    """Map what is special about each topic to the topic's name."""
    return {special: f"{scene.topics.input}-{special}" for special in (*CODECS, "compacted", "transactional")}


@pytest.fixture(scope="module")
def answered(shared_scene: Scene) -> Scene:
    """A worker that has read them all, and writes to a topic with another number of partitions."""
    client, topics, inputs = shared_scene.client, shared_scene.topics, names(shared_scene)
    client.create(topics.output, topics.dead_letters, partitions=OUTPUT_PARTITIONS)
    client.create(*(inputs[special] for special in (*CODECS, "transactional")))
    for codec in CODECS:
        client.produce(inputs[codec], keyed(range(COUNT)), client.producer(compression_type=codec))
    with_holes(client, inputs["compacted"])
    with_transactions(client, inputs["transactional"])
    shared_scene.start(input_topics=",".join(inputs.values()), compression="gzip")
    for topic in inputs.values():
        shared_scene.wait_for_commits(topic)
    return shared_scene


def with_holes(client: Client, topic: str) -> None:
    """A topic from which compaction has taken records in the middle."""
    client.create(topic, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.001")
    for round_ in range(4):  # the newest segment is never compacted
        client.produce(topic, keyed(range(round_ * COUNT, (round_ + 1) * COUNT)))
        written = client.count(topic)

    def compacted() -> bool:
        client.produce(topic, keyed(range(written, written + 16)))  # a segment closes only when something is written
        return len(client.read(topic)) < client.count(topic)

    eventually(compacted, f"{topic} is compacted", 40)


def with_transactions(client: Client, topic: str) -> None:
    """A topic with a committed transaction, an aborted one, and another committed one; a marker at its ends."""
    producer = client.producer(transactional_id=f"{topic}-writer")
    producer.init_transactions(30)
    for aborted, numbers in ((False, range(COUNT)), (True, range(1000, 1100)), (False, range(COUNT, 2 * COUNT))):
        producer.begin_transaction()
        client.produce(topic, keyed(numbers), producer)
        if aborted:
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)


@pytest.mark.parametrize("special", [*CODECS, "compacted"])
def test_every_record_of_a_special_topic_is_answered_once(answered: Scene, special: str) -> None:
    topic = names(answered)[special]
    found = [source for source in sources(answered.outputs()) if source[0] == topic]
    assert not repeated(found)
    if special == "compacted":  # which may go on after the worker has read
        assert set(found) >= {place(record) for record in answered.client.read(topic)}
    else:
        ends = answered.client.end_offsets(topic)
        assert set(found) == {(topic, partition, offset) for partition, end in ends.items() for offset in range(end)}


def test_what_a_transaction_aborted_is_not_answered(answered: Scene) -> None:
    topic = names(answered)["transactional"]
    outputs = [output for output in answered.outputs() if sources([output])[0][0] == topic]
    assert sorted(number for ids in ids_by_key(outputs).values() for number in ids) == [*range(2 * COUNT)]


@pytest.mark.parametrize("special", ["compacted", "transactional"])
def test_the_committed_offset_passes_holes_and_markers(answered: Scene, special: str) -> None:
    topic = names(answered)[special]
    client = answered.client
    committed = client.committed(answered.topics.group, topic)
    assert sum(committed.values()) > sum(1 for source in sources(answered.outputs()) if source[0] == topic)
    assert committed == {partition: end for partition, end in client.end_offsets(topic).items() if end}


def test_several_input_topics_are_answered_by_one_worker(answered: Scene) -> None:
    assert {source[0] for source in sources(answered.outputs())} == {*names(answered).values()}
    assert not answered.dead_letters()


def test_where_partitions_differ_in_number_the_key_decides(answered: Scene) -> None:
    for output in answered.outputs():
        assert output.partition == (murmur2(output.key) & 0x7FFFFFFF) % OUTPUT_PARTITIONS


def test_order_per_key_holds_across_repartitioning(answered: Scene) -> None:
    for topic in names(answered).values():
        outputs = [output for output in answered.outputs() if sources([output])[0][0] == topic]
        assert all(ids == sorted(ids) for ids in ids_by_key(outputs).values())


def test_read_uncommitted_reads_on_through_an_open_transaction(scene: Scene) -> None:
    scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters)
    producer = scene.client.producer(transactional_id=f"{scene.topics.input}-open")
    producer.init_transactions(30)
    producer.begin_transaction()
    scene.client.produce(scene.topics.input, [Message(valid(1), b"k")], producer)
    scene.start(isolation_level="read_uncommitted")
    scene.wait_for_answers(1)
    producer.abort_transaction(30)


@pytest.mark.parametrize("codec", CODECS)
def test_outputs_compressed_by_any_codec_are_read_by_another_client(scene: Scene, codec: str) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, keyed(range(COUNT)))
    scene.start(compression=codec)
    scene.wait_for_commits()
    values = scene.client.values_by_librdkafka(topics.output, COUNT)
    assert sorted(json.loads(value)["id"] for value in values) == list(range(COUNT))

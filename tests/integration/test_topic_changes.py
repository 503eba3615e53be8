"""Topics that change while a worker runs: partitions are added, a transaction is left open."""

from collections.abc import Callable
from functools import partial

import pytest
from integration.client import Client, Message, sources
from integration.inputs import keyed, valid
from integration.polling import eventually
from integration.scene import Scene

pytestmark = pytest.mark.kafka


def test_partitions_are_added_and_a_transaction_is_left_open(scene: Scene) -> None:
    topics, client = scene.topics, scene.client
    client.create(topics.input, topics.output, topics.dead_letters, partitions=2)
    worker = scene.start(start_from="latest", metadata_max_age=1)
    scene.wait_for_commits()

    client.add_partitions(topics.input, 3)
    client.add_partitions(topics.output, 3)
    # Before anybody has noticed: what is written there is not too early for start_from=latest.
    early = [message._replace(partition=2) for message in keyed(range(50))]
    client.produce(topics.input, early, client.producer())
    eventually(lambda: worker.page("statistics")["published"] == 50, "what was written there is answered", 30)
    later = Client(str(scene.settings["bootstrap_servers"]), real=True)  # the other one does not know of them
    assert {source[1] for source in sources(later.read(topics.output))} == {2}

    def used() -> bool:
        client.produce(topics.input, early[:1], client.producer())
        return later.end_offsets(topics.output)[2] > 0

    eventually(used, "the output's new partition is used, too", 30)
    later.close()
    eventually(lambda: worker.page("statistics")["pending_events"] == 0, "all of that is answered")
    for partition in range(3):
        noted = partial(client.committed_metadata, topics.group, topics.input, partition)
        eventually(partial(_says, noted, " partitions=2"), "how many there were at first is committed")
    published = worker.page("statistics")["published"]

    producer = client.producer(transactional_id=f"{topics.input}-open")
    producer.init_transactions(30)
    producer.begin_transaction()
    client.produce(topics.input, [Message(valid(1), partition=1)], producer)
    client.produce(topics.input, [Message(valid(2), partition=1)])
    stalled = f"{topics.input}[1] stands still: 2 offsets wait behind an open transaction"
    eventually(lambda: stalled in worker.log, "the stall is said", 30)
    assert worker.page("statistics")["stalled_partitions"] == {f"{topics.input}-1": 2}
    producer.commit_transaction(30)
    eventually(lambda: f"{topics.input}[1] goes on" in worker.log, "its end is said", 30)
    eventually(lambda: worker.page("statistics")["published"] == published + 2, "all is answered", 30)
    assert worker.page("statistics")["stalled_partitions"] == {}
    assert worker.log.count("stands still") == 1


def _says(read: Callable[[], str], end: str) -> bool:
    return read().endswith(end)

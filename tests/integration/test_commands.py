"""The commands around a worker, and Faust's own command, against a broker."""

import json
import signal
import sys

import pytest
from integration.client import Message, sources
from integration.inputs import keyed
from integration.process import run_command
from integration.scene import Scene

FAUST = (sys.executable, "-m", "faust", "-A")
FAUST_WORKER = ("worker", "-l", "info", "--web-port", "{port}", "--web-bind", "127.0.0.1")


def test_what_send_sends_watch_shows_enriched_by_the_bundled_model(scene: Scene) -> None:
    scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters)
    settings = scene.settings | {"model": "bundled"}
    sent = run_command("send", settings=settings, stdin='{"text": "I love it, wonderful!", "n": 1.50}\n')
    assert sent.returncode == 0, sent.stderr
    scene.start(model="bundled")
    watched = run_command("watch", "--from", "earliest", "-n", "1", settings=settings)
    assert watched.returncode == 0, watched.stderr
    line = watched.stdout.strip()
    assert line.startswith('{"text": "I love it, wonderful!", "n": 1.50')
    assert json.loads(line)["sentiment"]["sentiment"] == "positive"


def test_fausts_own_command_runs_the_same_worker(scene: Scene) -> None:
    scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters)
    scene.client.produce(scene.topics.input, keyed(range(300)))
    worker = scene.start(command=(*FAUST, "worker.app", *FAUST_WORKER))
    scene.wait_for_answers(300)
    assert worker.stop(signal.SIGTERM) == 0, worker.log
    assert len(set(sources(scene.outputs()))) == 300
    committed = scene.client.committed(scene.topics.group, scene.topics.input)
    assert sum(committed.values()) == 300


@pytest.mark.kafka
def test_a_users_own_agent_and_table_get_single_events(scene: Scene) -> None:
    client, topics = scene.client, scene.topics
    orders, totals = f"{topics.input}-orders", f"{topics.input}-totals"
    client.create(topics.input, topics.output, topics.dead_letters, orders, totals)
    variables = {"ORDERS_TOPIC": orders, "TOTALS_TOPIC": totals}
    worker = scene.start(command=(*FAUST, "integration.apps.own_agent", *FAUST_WORKER), variables=variables)
    client.produce(
        orders,
        (Message(json.dumps({"id": n, "customer": f"c{n % 3}"}).encode(), f"c{n % 3}".encode()) for n in range(30)),
    )
    client.produce(topics.input, keyed(range(100)))
    scene.wait_for_answers(100)
    scene.wait_for_commits(orders)
    counted = [json.loads(record.value) for record in client.read(totals)]
    assert sorted(total["order"] for total in counted) == [*range(30)]
    assert sorted(total["count"] for total in counted) == sorted([*range(1, 11)] * 3)
    assert worker.stop() == 0, worker.log

"""The health pages of a real worker under hostile clients."""

import socket
import sys

import pytest
from integration.inputs import keyed
from integration.polling import eventually
from integration.process import Worker
from integration.scene import Scene

pytestmark = pytest.mark.kafka

MISTAKES = (
    b"GET /router/x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /table/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345",
    b"no HTTP at all\r\n\r\n",
    b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
)

OF_THE_SERVER = ("aiohttp", "HTTP", "GET", "POST", "Error handling", "Traceback", "Exception", "livez", "xxx")
"""Words that a line about a client's mistake would have; others, about a rebalance say, may come meanwhile."""


def connect(worker: Worker, sent: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", worker.port), timeout=30)
    client.sendall(sent)
    return client


def answer(client: socket.socket) -> bytes:
    """All that comes until the worker closes the connection."""
    received = b""
    try:
        while part := client.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    finally:
        client.close()
    return received


def test_hostile_clients_of_the_health_pages_harm_neither_probes_nor_events_nor_the_log(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start()
    eventually(lambda: "health pages:" in worker.log, "the last line of a start")
    before = worker.log
    half_sent = [connect(worker, b"GET /livez HTTP/1.1\r\nHost: x\r\n") for _ in range(200)]
    answers = [answer(connect(worker, sent)) for sent in MISTAKES * 5]
    assert [int(text.split(b" ")[1]) for text in answers] == [404, 404, 404, 405, 400, 400] * 5
    assert max(map(len, answers)) < 1000
    assert worker.page("readyz") == {"ready": True, "reasons": []}
    assert worker.page("livez") == {"alive": True}
    scene.client.produce(topics.input, keyed(range(1_000)))
    scene.wait_for_answers(1_000)
    assert [answer(client) for client in half_sent] == [b""] * 200, "half-sent requests are closed"
    said = [line for line in worker.log[len(before) :].splitlines() if any(sign in line for sign in OF_THE_SERVER)]
    assert said == [], "no line for what clients do"
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


def test_a_device_that_hangs_is_not_alive(scene: Scene) -> None:
    topics = scene.topics
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    worker = scene.start(command=(sys.executable, "-m", "integration.apps.slow", "3600"), stall_timeout=1)
    assert worker.page("livez") == {"alive": True}
    scene.client.produce(topics.input, keyed(range(10)))
    eventually(lambda: b" 503 " in answer(connect(worker, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")), "/livez says so")
    assert worker.running
    assert scene.client.count(topics.output, topics.dead_letters) == 0

"""A device that runs out of memory, on a real Kafka."""

import json
import sys
from pathlib import Path

import pytest
from integration.inputs import PRIVATE, keyed
from integration.models import POISON
from integration.polling import eventually
from integration.scene import Scene

pytestmark = pytest.mark.kafka

EVENTS, BATCH_TOKENS = 4_000, 4_096
HEAVY = (3, 500, 501, 2_000)


def test_texts_out_of_memory_and_a_passing_shortage_leave_the_batches_as_large_as_before(
    scene: Scene, tmp_path: Path
) -> None:
    topics = scene.topics
    passes = tmp_path / "passes"
    messages = list(keyed(range(EVENTS)))
    for number in HEAVY:
        value = json.dumps({"id": number, "text": f"{PRIVATE} {POISON}"}).encode()
        messages[number] = messages[number]._replace(value=value)
    scene.client.create(topics.input, topics.output, topics.dead_letters)
    scene.client.produce(topics.input, messages)
    worker = scene.start(
        command=(sys.executable, "-m", "integration.apps.short_of_memory", "30", "500", str(passes)),
        max_batch_size=128,
        max_batch_tokens=BATCH_TOKENS,
    )
    scene.wait_for_commits()

    assert scene.client.count(topics.output) == EVENTS - len(HEAVY)
    reasons = [dict(letter.headers)["__dlq.errors.reason"] for letter in scene.dead_letters()]
    assert reasons == [b"inference_failed"] * len(HEAVY)
    eventually(lambda: worker.page("statistics")["batch_token_limit"] == BATCH_TOKENS, "the limit is what it was")
    assert "batches are limited to" in worker.log
    ran = [int(line) for line in passes.read_text().split()]
    assert len(ran) < EVENTS / 10, "batches stayed small"
    assert max(ran[-20:]) > BATCH_TOKENS / 2

"""A broker that bounds its groups tightly: it gets offsets without text, and what it refuses is one sentence."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from integration.client import Message
from integration.inputs import valid
from integration.kafka_container import KafkaContainer
from integration.polling import eventually
from integration.scene import Scene, scene_of_its_own

pytestmark = pytest.mark.kafka

EVENTS = 100


@pytest.fixture(scope="module")
def strict() -> Iterator[KafkaContainer]:
    limits = {
        "KAFKA_OFFSET_METADATA_MAX_BYTES": "20",
        "KAFKA_GROUP_MAX_SESSION_TIMEOUT_MS": "30000",
        "KAFKA_GROUP_MAX_SIZE": "1",
    }
    with KafkaContainer().with_envs(**limits) as kafka:
        yield kafka


@pytest.fixture
def strict_scene(strict: KafkaContainer, tiny_model: Path, tmp_path: Path) -> Iterator[Scene]:
    with scene_of_its_own(strict, tiny_model, tmp_path) as scene:
        scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters)
        yield scene


def refusal(scene: Scene, warnings: Sequence[str] = (), *, code: int = 1, **changes: object) -> str:
    """Return the last line of a worker that is refused, after warnings with these words; ``code`` is its exit code."""
    worker = scene.start(ready=False, **{"session_timeout": 10, **changes})
    assert worker.wait() == code
    assert len(worker.warnings) == len(warnings)
    assert all(words in line for words, line in zip(warnings, worker.warnings, strict=True))
    assert "Traceback" not in worker.log
    return worker.log.splitlines()[-1]


def test_offsets_go_without_text_and_a_full_group_is_named(strict_scene: Scene) -> None:
    scene = strict_scene
    scene.client.produce(scene.topics.input, [Message(valid(number)) for number in range(EVENTS)])
    worker = scene.start(session_timeout=10)
    scene.wait_for_commits()
    (warning,) = worker.warnings
    assert "raise offset.metadata.max.bytes of the brokers" in warning
    patience = "the group's coordinator refuses JoinGroup (code 81): it is asked again"
    assert "brokers allow: raise their group.max.size" in refusal(scene, [patience])
    assert worker.stop() == 0
    again = scene.start(session_timeout=10)
    scene.client.produce(scene.topics.input, [Message(valid(number)) for number in range(EVENTS, 2 * EVENTS)])
    scene.wait_for_commits()
    assert again.stop() == 0
    assert len(scene.outputs()) == 2 * EVENTS, "nothing is repeated by a start"


def test_a_session_timeout_that_the_brokers_do_not_take_is_named(strict_scene: Scene) -> None:
    assert "do not accept session_timeout=45 s: set it between their" in refusal(
        strict_scene, code=2, session_timeout=45
    )


@pytest.mark.parametrize("options", [{}, {"group.protocol": "consumer"}], ids=["another assignor", "KIP-848"])
def test_a_group_of_another_protocol_is_named(scene: Scene, options: dict[str, object]) -> None:
    scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters)
    servers, group = scene.settings["bootstrap_servers"], scene.topics.group
    other = Consumer({"bootstrap.servers": servers, "group.id": group, **options})
    other.subscribe([scene.topics.input])
    try:
        eventually(lambda: other.poll(0.2) is None and bool(other.assignment()), "the other client is in the group")
        said = refusal(scene)
    finally:
        other.close()
    assert f"another client uses the group_id {group!r} with another protocol" in said

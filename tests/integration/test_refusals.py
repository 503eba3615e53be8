"""Settings and clusters that the worker refuses at the start, in one sentence with the way out, within bounded time."""

from pathlib import Path

import pytest
from integration.process import free_port, only_sentence, run_command
from integration.scene import Scene


def test_an_output_topic_that_is_an_input_is_refused() -> None:
    done = run_command("run", settings={"input_topics": "a,b", "output_topic": "b"})
    assert done.returncode == 2
    said = only_sentence(done.stderr)
    assert said.endswith("[conflicting_settings]")
    assert "output_topic 'b'" in said


def test_a_broker_that_does_not_answer_is_named_in_one_sentence(tiny_model: Path) -> None:
    server = f"127.0.0.1:{free_port()}"
    settings = {"bootstrap_servers": server, "model": tiny_model, "web_port": free_port()}
    done = run_command("run", settings=settings)
    assert done.returncode == 1
    said = only_sentence(done.stderr)
    assert said.endswith("[broker_unreachable]")
    assert server in said


@pytest.mark.parametrize("host", ["192.0.2.1", "pages..example"], ids=["another machine's", "no name"])
def test_health_pages_that_cannot_be_served_end_the_start_with_one_sentence(host: str) -> None:
    done = run_command("run", settings={"web_host": host, "web_port": free_port()})
    assert done.returncode == 2
    said = only_sentence(done.stderr)
    assert said.endswith("[web_address_unusable]")
    assert said.startswith(f"web_host={host!r} ")


@pytest.mark.kafka
def test_with_missing_topics_fail_they_are_named_and_not_made(scene: Scene) -> None:
    scene.client.create(scene.topics.input)
    done = run_command("run", settings=scene.settings | {"missing_topics": "fail", "web_port": free_port()})
    assert done.returncode == 1
    said = only_sentence(done.stderr)
    assert said.endswith("[topic_missing]")
    assert f"{scene.topics.output}, {scene.topics.dead_letters}" in said
    assert not {scene.topics.output, scene.topics.dead_letters} & scene.client.topics()


@pytest.mark.kafka
def test_with_a_model_that_cannot_be_used_no_topic_is_made(scene: Scene) -> None:
    done = run_command("run", settings=scene.settings | {"model": "/no/such/model", "web_port": 0})
    assert done.returncode == 2
    assert "/no/such/model" in only_sentence(done.stderr)
    assert not {scene.topics.input, scene.topics.output, scene.topics.dead_letters} & scene.client.topics()


@pytest.mark.kafka
def test_with_missing_topics_create_they_are_made(scene: Scene) -> None:
    scene.start(topic_partitions=3)
    made = (scene.topics.input, scene.topics.output, scene.topics.dead_letters)
    assert [len(scene.client.end_offsets(topic)) for topic in made] == [3, 3, 3]

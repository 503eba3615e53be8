"""``doctor`` finds what is missing and says what to do; ``schemas`` prints and writes what the topics carry."""

import json
from pathlib import Path

import pytest
from command_line import Ran, Run

from worker.embedded import EmbeddedBroker
from worker.settings import Settings


def _findings(ran: Ran) -> dict[str, str]:
    return {line.split()[1]: line.split()[0] for line in ran.lines}


def test_all_is_well_with_a_broker_and_the_bundled_model(run: Run, broker: EmbeddedBroker) -> None:
    ran = run("doctor")
    assert set(_findings(ran).values()) == {"ok"}
    assert {"broker", "topics", "model", "device", "test"} <= set(_findings(ran))
    assert ran.code == 0


def test_every_failing_check_is_shown_with_a_way_out(run: Run) -> None:
    ran = run("doctor", "--bootstrap-servers", "localhost:1", "--model", "/no/such/folder")
    findings = _findings(ran)
    assert (findings["broker"], findings["topics"], findings["model"]) == ("FAIL", "FAIL", "FAIL")
    assert "--bootstrap-servers" in ran.out
    assert "/no/such/folder" in ran.out
    assert ran.code == 1


@pytest.mark.parametrize(("policy", "mark"), [("create", "ok"), ("fail", "FAIL")])
def test_a_missing_topic_matters_only_if_it_will_not_be_made(
    run: Run, broker: EmbeddedBroker, policy: str, mark: str
) -> None:
    ran = run("doctor", "--output-topic", "nowhere", "--missing-topics", policy, "--model", "/no/such/folder")
    assert _findings(ran)["topics"] == mark
    assert "nowhere" in ran.out


def test_names_of_schemas_are_listed_and_each_can_be_printed(run: Run) -> None:
    names = run("schemas").lines
    assert "asyncapi.json" in names
    for name in names:
        assert isinstance(json.loads(run("schemas", name).out), dict)


def test_asyncapi_speaks_of_the_topics_of_the_settings(run: Run) -> None:
    document = json.loads(run("schemas", "asyncapi.json", "--output-topic", "mine").out)
    assert document["asyncapi"].startswith("3.1")
    assert "mine" in {channel["address"] for channel in document["channels"].values()}
    assert Settings.model_fields["input_topics"].default[0] in str(document)


def test_schemas_are_written_into_a_folder_that_need_not_be_there(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    ran = run("schemas", "--output", str(folder))
    assert ran.code == 0
    assert sorted(file.name for file in folder.iterdir()) == sorted(run("schemas").lines)

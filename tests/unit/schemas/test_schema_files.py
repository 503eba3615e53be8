"""The published schemas: true to the models, valid in their dialects, and no older than the code."""

import ast
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas import DeadLetterHeaders, EnrichedEvent, TextEvent
from schemas.asyncapi import asyncapi
from schemas.events import Reason
from schemas.generate import DefaultTopics, documents, write
from schemas.json_schema import MODELS, json_schema
from worker.errors import Reason as WorkerReason
from worker.errors import Stage
from worker.settings import Settings

FOLDER = Path(schemas.__file__).parent
every_model = pytest.mark.parametrize("name", MODELS)


@pytest.mark.parametrize(("name", "content"), documents(DefaultTopics()).items(), ids=documents(DefaultTopics()))
def test_the_file_in_the_repository_is_what_the_code_gives(name: str, content: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == content, "renew it with: python -m schemas.generate"


def test_no_file_in_the_repository_is_of_a_model_that_is_gone() -> None:
    assert {file.name for file in FOLDER.glob("*.json")} == set(documents(DefaultTopics()))


def test_the_default_topics_are_those_of_the_settings() -> None:
    settings, default = Settings(), DefaultTopics()
    for name in DefaultTopics.__slots__:
        assert getattr(settings, name) == getattr(default, name)


def test_writing_makes_the_folder_and_names_what_it_wrote(tmp_path: Path) -> None:
    files = write(tmp_path / "new" / "schemas", Settings(output_topic="moods"))
    assert sorted(files) == sorted((tmp_path / "new" / "schemas").iterdir())
    assert (
        json.loads((tmp_path / "new/schemas/asyncapi.json").read_text())["channels"]["sentimentEvents"]["address"]
        == "moods"
    )


@every_model
def test_a_schema_is_valid_2020_12_under_an_id_of_its_own(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert name in schema["$id"]


def test_the_event_of_a_newcomer_fits_and_its_mistakes_do_not() -> None:
    validator = Draft202012Validator(json_schema("text-event"))
    assert validator.is_valid({"text": "lovely", "id": 12345678901234567890123, "unknown": [1]})
    for wrong in ({}, {"text": ""}, {"text": 1}, {"text": "lovely", "attributes": "x"}, "lovely"):
        assert not validator.is_valid(wrong)


def test_every_reason_and_stage_of_the_worker_is_published() -> None:
    assert set(get_args(Reason)) == set(WorkerReason)
    assert json_schema("dead-letter-headers")["properties"]["__dlq.errors.stage"]["enum"] == list(Stage)


def test_dead_letter_headers_are_written_under_their_names() -> None:
    names = (
        "topic",
        "partition",
        "offset",
        "timestamp",
        "group",
        "stage",
        "reason",
        "exception",
        "message",
        "attempts",
    )
    assert json_schema("dead-letter-headers")["required"] == [f"__dlq.errors.{name}" for name in names]
    values = ("t", "0", "5", "-1", "g", "decode", "no_text", "", "nothing is found at text_path", "1")
    headers = DeadLetterHeaders(**dict(zip(names, values, strict=True)))
    Draft202012Validator(json_schema("dead-letter-headers")).validate(headers.model_dump())


def test_what_is_left_out_of_a_dead_letter_is_written_under_published_names() -> None:
    """As `test_every_step_is_told_in_a_published_header` finds them in the worker."""
    published = json_schema("dead-letter-headers")
    optional = published["properties"].keys() - set(published["required"])
    names = ("value_left_out", "value_sha256", "headers_left_out", "key_left_out", "timestamp_left_out")
    assert optional == {f"__dlq.errors.{name}" for name in names}


def test_no_text_is_shown_by_an_event_or_an_error_about_it() -> None:
    assert "lovely" not in repr(TextEvent(text="lovely", attributes={"a": "lovely"}, other="lovely"))
    with pytest.raises(ValueError, match="1 validation error") as caught:
        EnrichedEvent.model_validate({"sentiment": "lovely"})
    assert "lovely" not in str(caught.value)


def test_the_package_imports_nothing_of_the_worker() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "worker" for name in names), file.name


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [reference for item in node for reference in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [reference for item in node.values() for reference in references(item)]


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi(DefaultTopics())
    found = references(document)
    assert "#/components/schemas/SentimentVerdict" in found
    for reference in found:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_the_asyncapi_document_names_the_topics_and_group_of_the_settings() -> None:
    names = Settings(input_topics="a,b", output_topic="out", dead_letter_topic="dead", group_id="readers")
    document = asyncapi(names)
    assert document["asyncapi"] == "3.1.0"
    assert [channel["address"] for channel in document["channels"].values()] == ["a", "b", "out", "dead"]
    received = [operation for operation in document["operations"].values() if operation["action"] == "receive"]
    assert [operation["channel"]["$ref"] for operation in received] == [
        "#/channels/textEvents",
        "#/channels/textEvents1",
    ]
    assert {operation["bindings"]["kafka"]["groupId"]["enum"][0] for operation in received} == {"readers"}


def test_the_asyncapi_schemas_use_nothing_newer_than_draft_07() -> None:
    newer = {
        "$defs",
        "$anchor",
        "$dynamicRef",
        "prefixItems",
        "dependentSchemas",
        "unevaluatedProperties",
        "minContains",
    }
    text = json.dumps(asyncapi(DefaultTopics())["components"]["schemas"])
    assert not [keyword for keyword in newer if f'"{keyword}"' in text]

"""The worker's topics as an AsyncAPI 3.1 document with Kafka bindings."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from pydantic.json_schema import models_json_schema

from schemas.json_schema import MODELS, VERSION

ASYNCAPI: Final = "3.1.0"
KAFKA_BINDING: Final = "0.5.0"


class TopicNames(Protocol):
    """The settings that the document describes."""

    @property
    def input_topics(self) -> Sequence[str]: ...
    @property
    def output_topic(self) -> str: ...
    @property
    def dead_letter_topic(self) -> str: ...
    @property
    def group_id(self) -> str: ...


def asyncapi(names: TopicNames) -> dict[str, Any]:
    """Return the AsyncAPI document of what the worker receives and sends, for the topics in ``names``."""
    # AsyncAPI's own schema object is a superset of JSON Schema draft-07. These schemas use nothing newer, and refer to
    # one another among the components rather than through $defs.
    _, definitions = models_json_schema(list(MODELS.values()), ref_template="#/components/schemas/{model}")
    inputs = {f"textEvents{index or ''}": topic for index, topic in enumerate(names.input_topics)}
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "sentiment-worker",
            "version": f"{VERSION}.0.0",
            "description": "Texts in, sentiments out. Order is kept for each key; delivery is at least once, and a "
            "repeat carries the id of the first.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            **{key: _channel(topic, "Events with a text.", "textEvent") for key, topic in inputs.items()},
            "sentimentEvents": _channel(
                names.output_topic,
                "Answers, with the key, headers and timestamp of their events: enriched events, or verdicts alone with "
                "output_mode=verdict. A null value that has a key is passed on.",
                "enrichedEvent",
                "verdictEvent",
            ),
            "deadLetters": _channel(names.dead_letter_topic, "Events that cannot be answered.", "deadLetter"),
        },
        "operations": {
            **{
                f"receive{key[0].upper()}{key[1:]}": _operation("receive", key, "textEvent", group=names.group_id)
                for key in inputs
            },
            "sendSentimentEvents": _operation("send", "sentimentEvents", "enrichedEvent", "verdictEvent"),
            "sendDeadLetters": _operation("send", "deadLetters", "deadLetter"),
        },
        "components": {
            "messages": {
                "textEvent": _message("A text to be classified", payload=_schema("TextEvent")),
                "enrichedEvent": _message("An event and its verdict", payload=_schema("EnrichedEvent")),
                "verdictEvent": _message("A verdict alone", payload=_schema("VerdictEvent")),
                "deadLetter": _message(
                    "An event as it came, and why it was rejected",
                    headers=_schema("DeadLetterHeaders"),
                    payload={"description": "the value of the event, byte for byte"},
                    contentType="application/octet-stream",
                ),
            },
            "schemas": definitions["$defs"],
        },
    }


def _channel(topic: str, description: str, *messages: str) -> dict[str, Any]:
    return {
        "address": topic,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": KAFKA_BINDING}},
    }


def _operation(action: str, channel: str, *messages: str, group: str | None = None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
    if group is not None:
        group_id = {"type": "string", "enum": [group]}
        operation["bindings"] = {"kafka": {"groupId": group_id, "bindingVersion": KAFKA_BINDING}}
    return operation


def _message(title: str, **members: Any) -> dict[str, Any]:
    key = {"description": "the key of the event, byte for byte; may be absent"}
    return {"title": title, **members, "bindings": {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING}}}


def _schema(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}

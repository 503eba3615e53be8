"""The models as JSON Schema 2020-12."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from schemas.events import DeadLetterHeaders, EnrichedEvent, SentimentVerdict, TextEvent, VerdictEvent

Mode: TypeAlias = Literal["validation", "serialization"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
VERSION: Final = 1
"""Of the published shapes; a change that breaks a reader raises it."""

MODELS: Final[Mapping[str, tuple[type[BaseModel], Mode]]] = {
    "text-event": (TextEvent, "validation"),
    "sentiment": (SentimentVerdict, "serialization"),
    "enriched-event": (EnrichedEvent, "serialization"),
    "verdict-event": (VerdictEvent, "serialization"),
    "dead-letter-headers": (DeadLetterHeaders, "serialization"),
}
"""Every published shape: inputs as what is accepted, outputs as what is written."""


def json_schema(name: str) -> dict[str, Any]:
    """The schema of one of ``MODELS``, complete in itself."""
    model, mode = MODELS[name]
    return {
        "$schema": DIALECT,
        "$id": f"urn:sentiment-worker:schema:{name}:{VERSION}",
        **model.model_json_schema(mode=mode),
    }

"""The models as JSON Schema 2020-12."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from schemas.events import DeadLetterHeaders, EnrichedEvent, SentimentVerdict, TextEvent, VerdictEvent

Mode: TypeAlias = Literal["validation", "serialization"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
VERSION: Final = 1
"""Version of the published schemas; a breaking change increments it."""

MODELS: Final[Mapping[str, tuple[type[BaseModel], Mode]]] = {
    "text-event": (TextEvent, "validation"),
    "sentiment": (SentimentVerdict, "serialization"),
    "enriched-event": (EnrichedEvent, "serialization"),
    "verdict-event": (VerdictEvent, "serialization"),
    "dead-letter-headers": (DeadLetterHeaders, "serialization"),
}
"""Every published schema: of inputs what is accepted, of outputs what is written."""


def json_schema(name: str) -> dict[str, Any]:
    """Return the self-contained schema of one of ``MODELS``."""
    model, mode = MODELS[name]
    return {
        "$schema": DIALECT,
        "$id": f"urn:sentiment-worker:schema:{name}:{VERSION}",
        **model.model_json_schema(mode=mode),
    }

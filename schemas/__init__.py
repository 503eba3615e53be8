"""The events on the topics, as models, JSON Schema 2020-12 and AsyncAPI 3.1. Nothing here imports the worker."""

from schemas.events import DeadLetterHeaders, EnrichedEvent, Model, SentimentVerdict, TextEvent, VerdictEvent

__all__ = ["DeadLetterHeaders", "EnrichedEvent", "Model", "SentimentVerdict", "TextEvent", "VerdictEvent"]

"""What crosses a topic, as models, JSON Schema 2020-12 and AsyncAPI 3.1. This package imports nothing of the worker."""

from schemas.events import DeadLetterHeaders, EnrichedEvent, Model, SentimentVerdict, TextEvent, VerdictEvent

__all__ = ["DeadLetterHeaders", "EnrichedEvent", "Model", "SentimentVerdict", "TextEvent", "VerdictEvent"]

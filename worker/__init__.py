"""sentiment-worker: text events in from Kafka, batched through a resident classifier, enriched events out."""

__version__ = "0.1.0"

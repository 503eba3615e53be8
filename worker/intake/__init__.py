"""Whole fetches from Kafka through Faust, and the offsets to commit back to it."""

"""Fetching whole batches of records from Kafka through Faust, and committing their offsets."""

"""A seeded attack on workers over a real Kafka, and the count of what became of every event."""

"""Getting verdicts out in order, and knowing which offsets are safe to commit."""

"""Publishing of verdicts in order, and the offsets that are then safe to commit."""

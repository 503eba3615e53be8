"""Internal events of the worker, as log lines and metrics; everything may import it, and it imports nearly nothing."""

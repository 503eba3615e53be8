"""What happens in the worker, as log lines and counts; everything may import it, and it imports nearly nothing."""

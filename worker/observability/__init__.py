"""Health pages and log lines of a running worker."""

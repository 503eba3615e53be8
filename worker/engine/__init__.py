"""The worker's own part of a Faust app: what is loaded and served, and whether it is ready, alive or stopping."""

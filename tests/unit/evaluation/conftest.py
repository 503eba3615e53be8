"""A base that learns in seconds, texts that it can learn, and the command line."""

from small_base import labelled_file, run, tiny_base

__all__ = ["labelled_file", "run", "tiny_base"]

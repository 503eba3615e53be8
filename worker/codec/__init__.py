"""Bytes to texts, and verdicts to bytes."""

from worker.codec.codec import Codec, Decoded
from worker.codec.modes import Output

__all__ = ["Codec", "Decoded", "Output"]

"""Bytes to texts, and verdicts to bytes."""

from worker.codec.codec import Codec, Decoded, processed_now
from worker.codec.modes import Output

__all__ = ["Codec", "Decoded", "Output", "processed_now"]

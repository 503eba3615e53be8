"""Decoding records to texts, and encoding verdicts to records."""

from worker.codec.codec import Codec, Decoded, processed_now
from worker.codec.modes import Output

__all__ = ["Codec", "Decoded", "Output", "processed_now"]

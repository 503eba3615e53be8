"""The limits of encoded texts, and the code that all tokenizer backends share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from worker.tokens import Ids32, Ids64, Tokens

NOT_UNICODE = "a text holds a lone surrogate, which is half a character: it cannot be tokenised"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How texts are encoded: ``max_tokens`` includes the special tokens."""

    max_tokens: int
    truncation_side: Literal["right", "left"] = "right"


def cut_to_limit(ids: Ids32, lengths: Ids32, encoding: Encoding, prefix: int, suffix: int) -> Tokens:
    """Truncate texts that were encoded with a limit one higher than the model's.

    Exactly the texts that reached the higher limit are too long. They lose one token of the content, which has
    ``prefix`` special tokens before and ``suffix`` after it, at the side of truncation.
    """
    truncated = lengths > encoding.max_tokens
    if truncated.any():
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        within = encoding.max_tokens - suffix if encoding.truncation_side == "right" else prefix
        keep = np.ones(len(ids), dtype=np.bool_)
        keep[starts[truncated] + within] = False
        ids, lengths = ids[keep], lengths - truncated
    return Tokens(ids, lengths, starts_of(lengths), truncated)


def starts_of(lengths: Ids32) -> Ids64:
    """Return where each text starts, [n], when texts of these lengths are concatenated."""
    return np.cumsum(lengths, dtype=np.int64) - lengths

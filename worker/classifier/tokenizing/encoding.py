"""The limits of encoded texts, and the code that all tokenizer backends share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from worker.tokens import Ids32, Ids64, Tokens

NOT_UNICODE = "a text holds a lone surrogate, which is half a character: it cannot be tokenised"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How texts are encoded: ``max_tokens`` counts the special tokens too."""

    max_tokens: int
    truncation_side: Literal["right", "left"] = "right"


def cut_to_limit(ids: Ids32, lengths: Ids32, encoding: Encoding, prefix: int, suffix: int) -> Tokens:
    """Tokens of texts that were encoded with a limit one higher than the model's.

    A text that reached the higher limit is too long, and exactly those are cut: by the one content token next to the
    special tokens (``prefix`` before and ``suffix`` after the content) at the side where truncation happens.
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
    """[n] where each text starts when texts of these lengths lie one behind the other."""
    return np.cumsum(lengths, dtype=np.int64) - lengths

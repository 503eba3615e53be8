"""Choosing the tokenizer backend when a model is loaded, by comparing ids."""

import json
import logging
from collections.abc import Callable
from typing import Literal

import numpy as np
from tokenizers import Tokenizer

from worker.classifier.tokenizing.byte_bpe import ByteBpeTokenizer
from worker.classifier.tokenizing.encoding import Encoding
from worker.classifier.tokenizing.huggingface import HuggingFaceTokenizer
from worker.classifier.tokenizing.probes import probe_texts
from worker.classifier.tokenizing.wordpiece import WordPieceTokenizer
from worker.tokens import TextTokenizer, Tokens

logger = logging.getLogger(__name__)

FAST_BACKENDS: dict[str, Callable[[str, Encoding], TextTokenizer]] = {
    "WordPiece": WordPieceTokenizer,
    "BPE": ByteBpeTokenizer,
}
"""Backends by the type of model that a tokenizer.json names."""


def choose_tokenizer(tokenizer: Tokenizer, encoding: Encoding, wanted: Literal["auto", "huggingface"]) -> TextTokenizer:
    """Return the tokenizer in the fastest backend that produces the same ids; takes ownership of ``tokenizer``.

    Every backend is compared with ``tokenizers`` on texts that are made to reveal differences, at this model's limit.
    One that cannot be built, fails or differs is not used.
    """
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer_json = tokenizer.to_str()
    reference = HuggingFaceTokenizer(tokenizer, encoding)
    kind = json.loads(tokenizer_json)["model"].get("type")
    if wanted == "huggingface" or kind not in FAST_BACKENDS:
        return reference
    try:
        fast = FAST_BACKENDS[kind](tokenizer_json, encoding)
        texts = list(probe_texts(encoding.max_tokens))
        agrees = same_tokens(fast.encode(texts), reference.encode(texts))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is not an Exception
        logger.info("the fast %s tokenizer has no part that this one needs (%s)", kind, type(error).__name__)
        return reference
    if not agrees:
        logger.info("the fast %s tokenizer differs from Hugging Face's on this vocabulary", kind)
        return reference
    return fast


def same_tokens(one: Tokens, other: Tokens) -> bool:
    return (
        np.array_equal(one.lengths, other.lengths)
        and np.array_equal(one.ids, other.ids)
        and np.array_equal(one.offsets, other.offsets)
        and np.array_equal(one.truncated, other.truncated)
    )

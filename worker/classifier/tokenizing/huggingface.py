"""Hugging Face's ``tokenizers``: every kind of tokenizer, and the reference for the faster backends."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from tokenizers import Tokenizer

from worker.classifier.tokenizing.encoding import NOT_UNICODE, Encoding, starts_of
from worker.tokens import Tokens


class HuggingFaceTokenizer:
    name = "huggingface"

    def __init__(self, tokenizer: Tokenizer, encoding: Encoding) -> None:
        """Take ownership of the tokenizer: its truncation and padding are set here, and nothing else may use it."""
        tokenizer.no_padding()
        tokenizer.enable_truncation(encoding.max_tokens, direction=encoding.truncation_side)
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> Tokens:
        try:
            encoded = self._tokenizer.encode_batch_fast(texts)
        except TypeError:  # raised by the binding for a string that cannot be encoded as UTF-8
            raise ValueError(NOT_UNICODE) from None
        rows = [text.ids for text in encoded]
        lengths = np.fromiter(map(len, rows), dtype=np.int32, count=len(rows))
        ids = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(lengths.sum()))
        truncated = np.fromiter((bool(text.overflowing) for text in encoded), dtype=np.bool_, count=len(rows))
        return Tokens(ids, lengths, starts_of(lengths), truncated)

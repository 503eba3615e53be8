"""nanotoken: WordPiece (BERT, DistilBERT, MiniLM, …) at about a fiftieth of the CPU time of ``tokenizers``."""

from collections.abc import Sequence

import nanotoken
import numpy as np

from worker.classifier.tokenizing.encoding import NOT_UNICODE, Encoding, cut_to_limit
from worker.tokens import Tokens

CACHE_ENTRIES = 65_536
"""Words that nanotoken caches for each encoding thread; its default of a million takes some 430 MB when full."""


class WordPieceTokenizer:
    name = "nanotoken"

    def __init__(self, tokenizer_json: str, encoding: Encoding) -> None:
        """Build the tokenizer from ``tokenizer_json``, as ``tokenizers`` writes it.

        Raises:
            ValueError: the tokenizer has a component that nanotoken does not support.
        """
        nanotoken.set_cache_entries(CACHE_ENTRIES)  # for the whole process, which has one classifier
        self._tokenizer = nanotoken.Tokenizer.from_json(tokenizer_json)
        self._encoding = encoding
        self._prefix = len(self._tokenizer.backend.prefix_ids)
        self._suffix = len(self._tokenizer.backend.suffix_ids)

    def encode(self, texts: Sequence[str]) -> Tokens:
        try:
            encoded = self._tokenizer.encode_batch(
                list(texts),
                max_length=self._encoding.max_tokens + 1,
                truncation_side=self._encoding.truncation_side,
                parallel=False,  # one thread keeps up with any device, and leaves the other cores to the model
            )
        except UnicodeEncodeError:  # carries the text: it must not be chained
            raise ValueError(NOT_UNICODE) from None
        ids, lengths = encoded.ids.astype(np.int32), encoded.lengths.astype(np.int32)
        return cut_to_limit(ids, lengths, self._encoding, self._prefix, self._suffix)

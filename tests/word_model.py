"""A classifier of a few thousand parameters that reads a handful of words, and texts that it can learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

WORDS = ["[PAD]", "[UNK]", "good", "bad", "plain", "very", "a", "b", "c"]
MOODS = {"good": 2.0, "bad": -2.0, "plain": 0.0}


def of_head(outputs: int) -> dict[str, Any]:
    """Return what a config says of a head; no config declares it."""
    return {"num_labels": outputs}


def make_model(outputs: int = 3, seed: int = 1) -> Any:
    torch.manual_seed(seed)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            **of_head(outputs),
        )
    )  # fmt: skip


def make_tokenizer() -> Any:
    inner = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]")


def some_texts(count: int) -> list[str]:
    """Texts of one to four words beside one of each mood in turn, in the order of ``MOODS``."""
    rng = np.random.default_rng(0)
    texts = []
    for i in range(count):
        others = rng.choice(["very", "a", "b", "c"], size=int(rng.integers(1, 5)))
        texts.append(" ".join([list(MOODS)[i % 3], *others]))
    return texts


def ratings_of(texts: list[str]) -> list[float]:
    """The rating of each text's mood."""
    return [MOODS[text.split()[0]] for text in texts]

"""BERT classifiers of a few kilobytes, for tests that need a model folder and no good answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast


def save_tokenizer(folder: Path, tokenizer: Tokenizer, length: int) -> None:
    """Save a tokenizer with BERT's special tokens; texts are cut at ``length`` tokens."""
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=length,
    ).save_pretrained(folder)


def tiny_bert(
    vocabulary_size: int, length: int, *, layers: int = 1, labels: Sequence[str] = (), seed: int = 0
) -> BertForSequenceClassification:
    """Return a classifier with random weights, the same for the same seed.

    Args:
        vocabulary_size: how many tokens it knows.
        length: how many tokens a text has at most.
        layers: how many there are.
        labels: of its head; without them those that transformers makes up.
        seed: of the weights.
    """
    torch.manual_seed(seed)
    named: dict[str, Any] = {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: i for i, label in enumerate(labels)},
    }
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=vocabulary_size,
            hidden_size=32,
            num_hidden_layers=layers,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=length,
            **(named if labels else {}),
        )
    )

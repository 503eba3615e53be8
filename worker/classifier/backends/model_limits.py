"""The limits of a model's input: the longest text, the vocabulary, and the id to pad with."""

from typing import Any

import torch
from transformers import PreTrainedModel

from worker.classifier.backends.pretrained import check_ids, longest_text
from worker.classifier.source import Source


def max_tokens_of(model: PreTrainedModel, tokenizer_limit: int) -> int:
    """Return the most tokens of a text, special tokens included, by the tokenizer's limit and the model's positions."""
    return longest_text(max_positions(model), tokenizer_limit)


def max_positions(model: PreTrainedModel) -> int | None:
    """Return the number of tokens for which the model has positions; None if its config states none."""
    positions: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return positions - _position_offset(model, positions) if positions and positions > 0 else None


def _position_offset(model: PreTrainedModel, positions: int) -> int:
    """Return the number of unused positions: RoBERTa and its relatives count positions from the pad id upwards."""
    for name, module in model.named_modules():
        if (
            name.endswith("position_embeddings")
            and isinstance(module, torch.nn.Embedding)
            and module.num_embeddings == positions
            and module.padding_idx is not None
        ):
            return module.padding_idx + 1
    return 0


def add_pad_token(model: PreTrainedModel) -> int:
    """Return the id to pad with. A model that has none (GPT-2) gets a new one, which no text can contain.

    The end-of-text id, a common choice, would mask the last token of a text that ends with it.
    """
    config = model.config.get_text_config()
    vectors = vectors_of(model)
    pad_id: int | None = getattr(config, "pad_token_id", None)
    if pad_id is None or not 0 <= pad_id < vectors:
        model.resize_token_embeddings(vectors + 1, mean_resizing=False)
        pad_id = config.pad_token_id = vectors
    return pad_id


def vectors_of(model: PreTrainedModel) -> int:
    """Return the number of ids for which the model has an embedding."""
    return len(model.get_input_embeddings().get_parameter("weight"))


def check_vocabulary(source: Source, model: PreTrainedModel, text_tokenizer: Any) -> None:
    """Raise SettingError if the tokenizer produces ids for which the model has no embeddings."""
    check_ids(source.name, vectors_of(model), text_tokenizer)

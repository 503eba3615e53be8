"""The limits of a model's input: its longest text, and something to pad with."""

from typing import Any

import torch
from transformers import PreTrainedModel

from worker.classifier.backends.pretrained import check_ids, longest_text
from worker.classifier.source import Source


def max_tokens_of(model: PreTrainedModel, tokenizer_limit: int) -> int:
    """The longest text in tokens, special tokens included: what the tokenizer states, and the positions allow."""
    return longest_text(max_positions(model), tokenizer_limit)


def max_positions(model: PreTrainedModel) -> int | None:
    """Return the tokens for which the model has positions; None where it states no number."""
    positions: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return positions - _position_offset(model, positions) if positions and positions > 0 else None


def _position_offset(model: PreTrainedModel, positions: int) -> int:
    """RoBERTa and its kin count positions from the pad id up, so the first ones in the table are never a token's."""
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
    """The id to pad with. A model that has none (GPT-2) gets one of its own, which no text can contain.

    The end-of-text id, which is often taken, would hide the last token of a text that ends with it.
    """
    config = model.config.get_text_config()
    vectors = vectors_of(model)
    pad_id: int | None = getattr(config, "pad_token_id", None)
    if pad_id is None or not 0 <= pad_id < vectors:
        model.resize_token_embeddings(vectors + 1, mean_resizing=False)
        pad_id = config.pad_token_id = vectors
    return pad_id


def vectors_of(model: PreTrainedModel) -> int:
    """How many ids the model has a vector for."""
    return len(model.get_input_embeddings().get_parameter("weight"))


def check_vocabulary(source: Source, model: PreTrainedModel, text_tokenizer: Any) -> None:
    """Raises SettingError where the tokenizer gives ids that the model has no vectors for."""
    check_ids(source.name, vectors_of(model), text_tokenizer)

"""The limits of a model's input: its longest text, and something to pad with."""

import torch
from transformers import PreTrainedModel

STATED = 10**9
"""transformers writes 1e30 for a tokenizer that states no maximum length; no model reads a billion tokens."""

UNLIMITED_TOKENS = 512
"""The limit of a model that states none anywhere: what ``transformers.pipeline`` is commonly given."""


def max_tokens_of(model: PreTrainedModel, tokenizer_limit: int) -> int:
    """The longest text in tokens, special tokens included: what the tokenizer states, and the positions allow."""
    limits = [tokenizer_limit] if 0 < tokenizer_limit < STATED else []
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if positions and positions > 0:
        limits.append(positions - _position_offset(model, positions))
    return int(min(limits, default=UNLIMITED_TOKENS))


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

"""The start of a training: a base model and its tokenizer, refused if the worker could not run the result."""

from __future__ import annotations

from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification

from worker.classifier.backends.model_limits import check_vocabulary
from worker.classifier.backends.pretrained import raw_of, tokenizer_of, unusable
from worker.classifier.hardware import is_out_of_memory
from worker.classifier.source import Source
from worker.errors import Code, SettingError


def load_base(base: Source, labels: tuple[str, ...]) -> tuple[Any, Any]:
    """Load the base in float32 with one output for each label, and its tokenizer with a padding token.

    The head is kept if it has the same number of outputs.

    Raises:
        SettingError: the base cannot be loaded, lacks weights below the head, or has a tokenizer that the worker would
            refuse; the message is the one with which the worker refuses a model.
    """
    try:
        model: Any
        model, found = AutoModelForSequenceClassification.from_pretrained(
            base.folder,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
            problem_type="single_label_classification",
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise unusable(base, error) from error
    _check_whole(base, model, found)
    tokenizer = tokenizer_of(base)
    check_vocabulary(base, model, tokenizer)
    raw_of(base, tokenizer)
    if tokenizer.pad_token_id is None:  # GPT-2 and its relatives; the end-of-text id would mask the end of a text
        tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
        model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def lost_weights(model: Any, found: dict[str, Any]) -> list[str]:
    """Return the names of the weights below the head that were initialised at random, as the folder lacks them.

    ``found`` is transformers' loading report. A pooler counts as part of the head: language models are saved without
    one.
    """
    made_up = {*found["missing_keys"], *(name for name, *_ in found["mismatched_keys"])}
    below = [name for name in sorted(made_up) if name.startswith(f"{model.base_model_prefix}.")]
    return [name for name in below if "pooler" not in name.split(".")]


def _check_whole(base: Source, model: Any, found: dict[str, Any]) -> None:
    """Raise SettingError if weights below the head are missing."""
    if lost := lost_weights(model, found):
        raise SettingError(
            Code.MODEL_INCOMPLETE,
            f"the model {base.name} has no weights for {', '.join(lost[:3])}, or not of the size in its config.json: "
            "check that the folder was copied completely, and that its files belong together",
        )

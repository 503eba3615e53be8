"""Labels, head and tokenizer of a model in a transformers folder, whichever library runs it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig

from worker.classifier.backends import Model
from worker.classifier.labels import Activation
from worker.classifier.source import Source
from worker.errors import Code, SettingError

LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}

STATED = 10**9
"""transformers writes 1e30 for a tokenizer without a maximum length; no model reads a billion tokens."""

UNLIMITED_TOKENS = 512
"""The limit of a model that states none: the value that ``transformers.pipeline`` is commonly given."""


def activation_of(config: PretrainedConfig) -> Activation:
    """Return how logits become scores. A single output without a type is a regression, as transformers trains it."""
    if config.problem_type == "multi_label_classification":
        return Activation.SIGMOID
    if config.problem_type == "regression" or config.num_labels == 1:
        return Activation.IDENTITY
    return Activation.SOFTMAX


def config_of(source: Source) -> PretrainedConfig:
    """Return the config of a model.

    Raises:
        SettingError: it cannot be read, or requires remote code.
    """
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(source.folder, **LOCAL)
    except (OSError, ValueError, KeyError) as error:
        raise unusable(source, error) from error
    return config


def labels_of(source: Source, config: PretrainedConfig) -> tuple[str, ...]:
    """Return the names of a model's labels, in the order of its outputs.

    Raises:
        SettingError: two labels have the same name, or there are no labels.
    """
    names = config.id2label or {}
    labels = tuple(str(name) for _, name in sorted(names.items()))
    if not labels or len(set(labels)) < len(labels):
        raise SettingError(
            Code.MODEL_LABELS_AMBIGUOUS,
            f"the model {source.name} needs a different name for each label: correct id2label in its config.json",
        )
    return labels


def tokenizer_of(source: Source) -> Any:
    """Load transformers' tokenizer of a model.

    Raises:
        SettingError: it cannot be loaded, or has no vocabulary.
    """
    trouble = "it has no vocabulary"
    try:
        text_tokenizer = AutoTokenizer.from_pretrained(source.folder, **LOCAL)
        # Without the files, transformers creates a tokenizer that knows only its special tokens.
        if set(text_tokenizer.get_vocab()) - set(text_tokenizer.all_special_tokens):
            return text_tokenizer
    except Exception as error:  # the converter of each tokenizer class fails in its own way
        trouble = type(error).__name__
    raise SettingError(
        Code.TOKENIZER_UNUSABLE,
        f"the model {source.name} has no tokenizer that can be loaded ({trouble}): "
        "save the one it was trained with next to it, with AutoTokenizer.from_pretrained(...).save_pretrained(folder)",
    )


def raw_of(source: Source, text_tokenizer: Any) -> Tokenizer:
    """Return the fast form of a tokenizer, which the worker uses.

    Raises:
        SettingError: it has none, or uses token type ids.
    """
    raw = getattr(text_tokenizer, "backend_tokenizer", None)
    if not isinstance(raw, Tokenizer):
        raise SettingError(
            Code.TOKENIZER_UNUSABLE,
            f"the tokenizer of {source.name}, {type(text_tokenizer).__name__}, has no fast form (tokenizer.json), "
            "which the worker needs: choose a model that has one",
        )
    if "token_type_ids" in text_tokenizer.model_input_names and any(raw.encode("a").type_ids):
        raise SettingError(
            Code.TOKENIZER_UNUSABLE,
            f"the tokenizer of {source.name}, {type(text_tokenizer).__name__}, uses token type ids, "
            "which the worker does not pass to a model: choose another model",
        )
    return raw


def check_ids(name: str, vectors: int, text_tokenizer: Any) -> None:
    """Raise SettingError if the tokenizer of the model ``name`` produces ids for which the model has no embeddings."""
    highest = max(text_tokenizer.get_vocab().values(), default=-1)
    if highest >= vectors:
        raise SettingError(
            Code.TOKENIZER_OF_ANOTHER_MODEL,
            f"the tokenizer of {name} produces ids up to {highest}, but the model has only {vectors} embeddings: "
            "they do not belong together; save both from where the model was trained",
        )


def longest_text(positions: int | None, tokenizer_limit: int) -> int:
    """Return the most tokens of a text, special tokens included, by the tokenizer's limit and the model's positions."""
    limits = [tokenizer_limit] if 0 < tokenizer_limit < STATED else []
    if positions is not None:
        limits.append(positions)
    return int(min(limits, default=UNLIMITED_TOKENS))


def unusable(source: Source | Model, error: Exception) -> SettingError:
    """Turn an exception of transformers into one sentence; its own message says best what is wrong, but at length."""
    if "trust_remote_code" in str(error):
        return SettingError(
            Code.MODEL_NEEDS_CODE,
            f"the model {source.name} brings its own code, which the worker does not run: "
            "choose a model whose architecture is part of transformers",
        )
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, SafetensorError):
        return SettingError(
            Code.MODEL_DAMAGED,
            f"the weights of the model {source.name} cannot be loaded ({reason}): was the file copied whole?",
        )
    return SettingError(
        Code.MODEL_UNREADABLE, f"the model {source.name} cannot be loaded as a sequence classifier: {reason}"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the libraries' progress bars, advice and reports; the worker checks and reports what matters itself."""
    loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    levels = [library.level for library in loggers]
    bars = transformers.logging.is_progress_bar_enabled()
    for library in loggers:
        library.setLevel(logging.ERROR)
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        for library, level in zip(loggers, levels, strict=True):
            library.setLevel(level)
        if bars:
            transformers.logging.enable_progress_bar()

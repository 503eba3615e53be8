"""Labels, head and tokenizer of a model in a folder as transformers writes it, whichever library is to run it."""

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
"""transformers writes 1e30 for a tokenizer that states no maximum length; no model reads a billion tokens."""

UNLIMITED_TOKENS = 512
"""The limit of a model that states none anywhere: what ``transformers.pipeline`` is commonly given."""


def activation_of(config: PretrainedConfig) -> Activation:
    """How the head's logits are meant. A single output of no stated type is a regression: so transformers trains it."""
    if config.problem_type == "multi_label_classification":
        return Activation.SIGMOID
    if config.problem_type == "regression" or config.num_labels == 1:
        return Activation.IDENTITY
    return Activation.SOFTMAX


def config_of(source: Source) -> PretrainedConfig:
    """Return the config of a model.

    Raises:
        SettingError: it cannot be read, or asks for code of its own.
    """
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(source.folder, **LOCAL)
    except (OSError, ValueError, KeyError) as error:
        raise unusable(source, error) from error
    return config


def labels_of(source: Source, config: PretrainedConfig) -> tuple[str, ...]:
    """Return the names of a model's labels, in the order of its outputs.

    Raises:
        SettingError: two have the same name, or there is none.
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
    """transformers' tokenizer of a model.

    Raises:
        SettingError: it cannot be loaded, or has no vocabulary.
    """
    trouble = "it has no vocabulary"
    try:
        text_tokenizer = AutoTokenizer.from_pretrained(source.folder, **LOCAL)
        # Without its files transformers makes one up that knows its special tokens and nothing else.
        if set(text_tokenizer.get_vocab()) - set(text_tokenizer.all_special_tokens):
            return text_tokenizer
    except Exception as error:  # the converter of each tokenizer class fails in its own way
        trouble = type(error).__name__
    raise SettingError(
        Code.TOKENIZER_UNUSABLE,
        f"the model {source.name} has no tokenizer that can be loaded ({trouble}): "
        "save the one it was trained with beside it, with AutoTokenizer.from_pretrained(...).save_pretrained(folder)",
    )


def raw_of(source: Source, text_tokenizer: Any) -> Tokenizer:
    """The fast form of a tokenizer, which the worker tokenises by.

    Raises:
        SettingError: it has none, or marks tokens by type.
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
            f"the tokenizer of {source.name}, {type(text_tokenizer).__name__}, marks tokens by type, "
            "which the worker does not give to a model: choose another model",
        )
    return raw


def check_ids(name: str, vectors: int, text_tokenizer: Any) -> None:
    """Raises SettingError where the tokenizer of the model ``name`` gives ids that it has no vectors for."""
    highest = max(text_tokenizer.get_vocab().values(), default=-1)
    if highest >= vectors:
        raise SettingError(
            Code.TOKENIZER_OF_ANOTHER_MODEL,
            f"the tokenizer of {name} gives ids up to {highest}, and the model has vectors for {vectors} only: "
            "they are not of one model; save both from where it was trained",
        )


def longest_text(positions: int | None, tokenizer_limit: int) -> int:
    """Return the most tokens of a text, special tokens included: what the tokenizer states, and the positions allow."""
    limits = [tokenizer_limit] if 0 < tokenizer_limit < STATED else []
    if positions is not None:
        limits.append(positions)
    return int(min(limits, default=UNLIMITED_TOKENS))


def unusable(source: Source | Model, error: Exception) -> SettingError:
    """A sentence for what transformers raised: its own words say best what is wrong with a folder, but not in one."""
    if "trust_remote_code" in str(error):
        return SettingError(
            Code.MODEL_NEEDS_CODE,
            f"the model {source.name} brings its own code, which the worker does not run: "
            "choose a model of an architecture that transformers has",
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
    """No progress bars, advice or reports from the libraries; what matters is checked, and said, here."""
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

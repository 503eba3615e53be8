"""From a setting to a warm classifier: find the model, check that it is what it says, try it on texts, warm it up."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
)

from worker.classifier.classifier import Classifier
from worker.classifier.hardware import Hardware, choose_hardware
from worker.classifier.labels import Activation, VerdictTable, label_polarities
from worker.classifier.model_limits import add_pad_token, max_tokens_of, vectors_of
from worker.classifier.source import Source, find_model
from worker.classifier.tokenizing import Encoding, choose_tokenizer
from worker.classifier.warmup import self_check, warm_up
from worker.errors import SettingError
from worker.settings import Settings
from worker.verdict import ModelCard

logger = logging.getLogger(__name__)

_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def load_classifier(settings: Settings) -> Classifier:
    """The classifier that the settings name, on its device, proven on texts and warm.

    Raises:
        SettingError: the model, device, precision or a label polarity cannot be used; the sentence says what to do.
        DeviceError: the device failed while the model was warmed up.
    """
    started = time.perf_counter()
    hardware = choose_hardware(settings)
    with quiet():
        source = find_model(settings)
        config = _config(source)
        labels = _labels(source, config)
        activation = activation_of(config)
        polarities, unknown = label_polarities(labels, activation, settings.label_polarity)
        model = _model(source, config, hardware)
        text_tokenizer = tokenizer_of(source)
        limit = max_tokens_of(model, text_tokenizer.model_max_length)
        check_vocabulary(source, model, text_tokenizer)
        pad_id = add_pad_token(model)
        model.to(device=hardware.device)  # type: ignore[call-arg]  # its stub knows no arguments

    tokenizer = choose_tokenizer(
        raw_of(source, text_tokenizer), Encoding(limit, text_tokenizer.truncation_side), settings.tokenizer
    )
    classifier = Classifier(
        model,
        tokenizer,
        ModelCard(source.name, source.revision, labels),
        VerdictTable(labels, polarities, activation),
        activation,
        hardware,
        max_tokens=limit,
        pad_id=pad_id,
    )
    classifier.folder = source.folder
    self_check(classifier)
    warm_up(classifier)
    classifier.load_seconds = time.perf_counter() - started
    if unknown:
        logger.warning(
            "nothing is known of the label %s: its polarity is 0. label_polarity gives it one: %s"
            if len(unknown) == 1
            else "nothing is known of the labels %s: their polarity is 0. label_polarity gives them one: %s",
            ", ".join(unknown),
            "SENTIMENT_LABEL_POLARITY='"
            + json.dumps(dict.fromkeys(unknown, 0.0), ensure_ascii=False)
            + "' with numbers "
            "from -1 to 1",
        )
    logger.info(
        "model %s ready on %s at %s in %.1f s, tokenised by %s",
        source.name,
        classifier.device,
        classifier.precision,
        classifier.load_seconds,
        tokenizer.name,
    )
    return classifier


def activation_of(config: PretrainedConfig) -> Activation:
    """How the head's logits are meant. A single output of no stated type is a regression: so transformers trains it."""
    if config.problem_type == "multi_label_classification":
        return Activation.SIGMOID
    if config.problem_type == "regression" or config.num_labels == 1:
        return Activation.IDENTITY
    return Activation.SOFTMAX


def _config(source: Source) -> PretrainedConfig:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(source.folder, **_LOCAL)
    except (OSError, ValueError, KeyError) as error:
        raise unusable(source, error) from error
    return config


def _labels(source: Source, config: PretrainedConfig) -> tuple[str, ...]:
    names = config.id2label or {}
    labels = tuple(str(name) for _, name in sorted(names.items()))
    if not labels or len(set(labels)) < len(labels):
        raise SettingError(
            f"the model {source.name} needs a different name for each label: correct id2label in its config.json"
        )
    return labels


def _model(source: Source, config: PretrainedConfig, hardware: Hardware) -> PreTrainedModel:
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            source.folder, config=config, dtype=hardware.dtype, use_safetensors=True, output_loading_info=True, **_LOCAL
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise unusable(source, error) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise SettingError(
            f"the model {source.name} has no weights for {', '.join(missing[:3])}: it is no fine-tuned sequence "
            "classifier; name a model that was trained for text classification"
        )
    loaded: PreTrainedModel = model.eval()
    loaded.config.use_cache = False  # one pass a text: nothing of it is read again
    return loaded


def tokenizer_of(source: Source) -> Any:
    """transformers' tokenizer of a model.

    Raises:
        SettingError: it cannot be loaded, or has no vocabulary.
    """
    trouble = "it has no vocabulary"
    try:
        text_tokenizer = AutoTokenizer.from_pretrained(source.folder, **_LOCAL)
        # Without its files transformers makes one up that knows its special tokens and nothing else.
        if set(text_tokenizer.get_vocab()) - set(text_tokenizer.all_special_tokens):
            return text_tokenizer
    except Exception as error:  # the converter of each tokenizer class fails in its own way
        trouble = type(error).__name__
    raise SettingError(
        f"the model {source.name} has no tokenizer that can be loaded ({trouble}): "
        "save the one it was trained with beside it, with AutoTokenizer.from_pretrained(...).save_pretrained(folder)"
    )


def raw_of(source: Source, text_tokenizer: Any) -> Tokenizer:
    """The fast form of a tokenizer, which the worker tokenises by.

    Raises:
        SettingError: it has none, or marks tokens by type.
    """
    raw = getattr(text_tokenizer, "backend_tokenizer", None)
    if not isinstance(raw, Tokenizer):
        raise SettingError(
            f"the tokenizer of {source.name}, {type(text_tokenizer).__name__}, has no fast form (tokenizer.json), "
            "which the worker needs: choose a model that has one"
        )
    if "token_type_ids" in text_tokenizer.model_input_names and any(raw.encode("a").type_ids):
        raise SettingError(
            f"the tokenizer of {source.name}, {type(text_tokenizer).__name__}, marks tokens by type, "
            "which the worker does not give to a model: choose another model"
        )
    return raw


def check_vocabulary(source: Source, model: PreTrainedModel, text_tokenizer: Any) -> None:
    """Raises SettingError where the tokenizer gives ids that the model has no vectors for."""
    vectors = vectors_of(model)
    highest = max(text_tokenizer.get_vocab().values(), default=-1)
    if highest >= vectors:
        raise SettingError(
            f"the tokenizer of {source.name} gives ids up to {highest}, and the model has vectors for {vectors} only: "
            "they are not of one model; save both from where it was trained"
        )


def unusable(source: Source, error: Exception) -> SettingError:
    """A sentence for what transformers raised: its own words say best what is wrong with a folder, but not in one."""
    if "trust_remote_code" in str(error):
        return SettingError(
            f"the model {source.name} brings its own code, which the worker does not run: "
            "choose a model of an architecture that transformers has"
        )
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, SafetensorError):
        return SettingError(
            f"the weights of the model {source.name} cannot be loaded ({reason}): was the file copied whole?"
        )
    return SettingError(f"the model {source.name} cannot be loaded as a sequence classifier: {reason}")


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, advice or reports from the libraries; what matters is checked, and said, here."""
    loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    levels = [library.level for library in loggers]
    bars = transformers.logging.is_progress_bar_enabled()
    for library in loggers:
        library.setLevel(logging.ERROR)
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for library, level in zip(loggers, levels, strict=True):
            library.setLevel(level)
        if bars:
            transformers.logging.enable_progress_bar()  # type: ignore[no-untyped-call]

"""From a setting to a warm classifier: find the model, load it, check it on texts, warm it up."""

import json
import logging
import time
from dataclasses import replace

import numpy as np

from worker.classifier.backends import Model
from worker.classifier.backends.pretrained import (
    activation_of,
    check_ids,
    config_of,
    labels_of,
    longest_text,
    quiet,
    raw_of,
    tokenizer_of,
)
from worker.classifier.backends.registry import BACKENDS, DEFAULT
from worker.classifier.classifier import Classifier
from worker.classifier.labels import VerdictTable, label_polarities
from worker.classifier.source import find_model
from worker.classifier.tokenizing import Encoding, choose_tokenizer
from worker.classifier.warmup import self_check, warm_up
from worker.settings import Settings
from worker.tokens import PaddedBatch, TextTokenizer
from worker.verdict import ModelCard

logger = logging.getLogger(__name__)


def load_classifier(settings: Settings) -> Classifier:
    """Load the classifier that the settings name onto its device, check it on texts and warm it up.

    Raises:
        SettingError: the model, device, precision or a label polarity cannot be used; the message says what to do.
        DeviceError: the device failed while the model was warmed up.
    """
    started = time.perf_counter()
    load = BACKENDS[DEFAULT](settings)
    with quiet():
        source = find_model(settings)
        config = config_of(source)
        labels = labels_of(source, config)
        activation = activation_of(config)
        polarities, unknown = label_polarities(labels, activation, settings.label_polarity)
        backend = load(Model(source.name, source.folder, labels, activation))
        info = backend.info
        text_tokenizer = tokenizer_of(source)
        limit = longest_text(info.max_tokens, text_tokenizer.model_max_length)
        check_ids(source.name, info.vocabulary, text_tokenizer)

    tokenizer = choose_tokenizer(
        raw_of(source, text_tokenizer), Encoding(limit, text_tokenizer.truncation_side), settings.tokenizer
    )
    batch_size, batch_tokens = (64, 8_192) if info.device == "cpu" else (256, 32_768)
    classifier = Classifier(
        card=ModelCard(source.name, source.revision, labels),
        backend=backend,
        tokenizer=tokenizer,
        table=VerdictTable(labels, polarities, activation),
        activation=activation,
        max_tokens=limit,
        batch_size=settings.max_batch_size or batch_size,
        batch_tokens=settings.max_batch_tokens or batch_tokens,
        probe=_probe(tokenizer),
        folder=source.folder,
    )
    classifier = warm_up(self_check(classifier))
    classifier = replace(classifier, load_seconds=time.perf_counter() - started)
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


def _probe(tokenizer: TextTokenizer) -> PaddedBatch:
    tokens = tokenizer.encode(["Good."])
    return PaddedBatch(tokens.ids.astype(np.int64)[None], tokens.lengths)

"""One set of labels for comparing models whose labels may differ from the data's and from one another's."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from worker.classifier import Classifier
from worker.classifier.backends.pretrained import activation_of
from worker.classifier.labels import Activation, label_polarities
from worker.classifier.source import Source
from worker.datasets.columns import SHOWN_CHARACTERS, SHOWN_NAMES, enumerated
from worker.datasets.examples import LABELS
from worker.datasets.labelled import Labelled
from worker.errors import Code, SettingError
from worker.verdict import Sentiment

_SENTIMENTS = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)


@dataclass(frozen=True, slots=True)
class ModelLabels:
    """A model's labels, and the sentiment that the worker maps each of them to."""

    model: str
    labels: tuple[str, ...]
    sentiments: tuple[Sentiment, ...]
    unknown: tuple[str, ...] = ()
    """Those of ``labels`` that are neutral only because their meaning is unknown."""


def labels_of(classifier: Classifier, polarities: Mapping[str, float] | None = None) -> ModelLabels:
    """Return the labels of a loaded classifier; ``polarities`` is the setting label_polarity.

    Raises:
        SettingError: its scores are not a distribution over two or more labels.
    """
    labels = classifier.card.labels
    _check_exclusive(classifier.card.name, labels, classifier.activation)
    # What the classifier says of a text that has one label for certain is what it takes that label to mean.
    certain = np.eye(len(labels), dtype=np.float32)
    sentiments = classifier.verdicts(certain, np.ones(len(labels), np.int32), np.zeros(len(labels), np.bool_)).sentiment
    # It does not tell what it was loaded with, but a label with a side has a meaning.
    neutral = {label for label, own in zip(labels, sentiments, strict=True) if own is Sentiment.NEUTRAL}
    unknown = tuple(label for label in _unknown(labels, polarities or {}) if label in neutral)
    return ModelLabels(classifier.card.name, labels, tuple(sentiments), unknown)


def labels_in(source: Source, polarities: Mapping[str, float]) -> ModelLabels | None:
    """Return the labels of a model that is not loaded yet; None if its config.json is unreadable.

    ``polarities`` is the setting label_polarity.

    Raises:
        SettingError: its scores are not a distribution over two or more labels.
    """
    try:
        config = AutoConfig.from_pretrained(source.folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError):
        return None
    labels = tuple(str(name) for _, name in sorted((config.id2label or {}).items()))
    _check_exclusive(source.name, labels, activation_of(config))
    values, unknown = label_polarities(labels, Activation.SOFTMAX, own_polarities(labels, polarities))
    return ModelLabels(source.name, labels, tuple(_SENTIMENTS[1 + int(np.sign(value))] for value in values), unknown)


def _check_exclusive(model: str, labels: Sequence[str], activation: Activation) -> None:
    if len(labels) < 2:
        raise SettingError(
            Code.MODEL_NOT_COMPARABLE, f"the model {model} has only one label: evaluate needs two or more"
        )
    if activation is not Activation.SOFTMAX:
        raise SettingError(
            Code.MODEL_NOT_COMPARABLE,
            f"the model {model} scores each label independently ({activation}), but evaluate compares one label per "
            "text: name a model whose labels exclude one another, with problem_type single_label_classification in its "
            "config.json",
        )


def own_polarities(labels: Sequence[str], polarities: Mapping[str, float]) -> dict[str, float]:
    """Return the entries of the setting label_polarity for these labels, in any case, by the labels' own names."""
    given = {name.casefold(): polarity for name, polarity in polarities.items()}
    return {label: given[label.casefold()] for label in labels if label.casefold() in given}


def check_polarities(polarities: Mapping[str, float], labels: Mapping[str, Sequence[str]]) -> None:
    """Check that every entry of the setting label_polarity is about an existing label.

    ``labels`` are those of the data and of each model, by name.

    Raises:
        SettingError: neither the data nor any model has such a label.
    """
    known = _plain([label for own in labels.values() for label in own])
    for name in polarities:
        if name.casefold() not in known:
            whose = "; ".join(f"{owner} has {enumerated(own)}" for owner, own in labels.items())
            raise SettingError(Code.UNKNOWN_LABEL, f"label_polarity names {name!r}, which is not a label here: {whose}")


def unknown_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return those of a model's labels whose polarity only its user knows."""
    return label_polarities(labels, Activation.SOFTMAX, {})[1]


def polarity_flag(*owners: Sequence[str], polarities: Mapping[str, float] | None = None) -> str:
    """Return the flag, for a shell, that gives each label of these owners a polarity.

    ``...`` stands for a value that only the user knows. The flag repeats the entries of the setting label_polarity,
    ``polarities``, for other labels. It lists no labels if there are very many, or long ones, which may be texts.

    ``--label-polarity '{"complaint": ..., "positive": 1}'``
    """
    entries: dict[str, str] = {}
    for labels in owners:
        values, unknown = label_polarities(labels, Activation.SOFTMAX, own_polarities(labels, polarities or {}))
        for label, value in zip(labels, values, strict=True):
            shown = "..." if label in unknown else f"{value:g}"
            entries.setdefault(label.casefold(), f"{json.dumps(label, ensure_ascii=False)}: {shown}")
    for name, polarity in (polarities or {}).items():
        entries.setdefault(name.casefold(), f"{json.dumps(name, ensure_ascii=False)}: {polarity:g}")
    if len(entries) > 2 * SHOWN_NAMES or any(len(name) > SHOWN_CHARACTERS for name in entries):
        entries = {"": "..."}
    return f"--label-polarity {shlex.quote('{' + ', '.join(entries.values()) + '}')}"


def common_labels(
    data: Labelled, models: Sequence[ModelLabels], polarities: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Return the data's labels if every model has the same, in any case and order; otherwise the three sentiments.

    ``polarities`` is the setting label_polarity, which also says what the data's labels mean.

    Raises:
        SettingError: a model's labels differ from the data's, and the labels of either cannot be mapped to sentiments.
    """
    unknown = _unknown(data.labels, polarities or {})
    for model in models:
        if _plain(model.labels) == _plain(data.labels) or not (unknown or model.unknown):
            continue
        strange = dict.fromkeys([*unknown, *model.unknown])
        owners = [*([data.labels] if unknown else []), *([model.labels] if model.unknown else [])]
        raise SettingError(
            Code.LABELS_DIFFER,
            f"{model.model} has the labels {enumerated(model.labels)}, {data.name} has {enumerated(data.labels)}, "
            f"and it is unknown what sentiment {enumerated(strange)} stand{'s' if len(strange) == 1 else ''} for: add "
            f"{polarity_flag(*owners, polarities=polarities)} with your numbers from -1 to 1, or name the data's "
            "labels as the model does, with --labels if they are numbers",
        )
    if all(_plain(model.labels) == _plain(data.labels) for model in models):
        return data.labels
    return LABELS


def _unknown(labels: Sequence[str], polarities: Mapping[str, float]) -> tuple[str, ...]:
    return label_polarities(labels, Activation.SOFTMAX, own_polarities(labels, polarities))[1]


def project(scores: NDArray[np.floating], model: ModelLabels, labels: Sequence[str]) -> NDArray[np.float64]:
    """Convert scores [n, model's labels], whose rows sum to one but for rounding, to shares [n, labels].

    If the model has other labels, ``labels`` are the sentiments, and the score of a sentiment is the sum over the
    labels that mean it.
    """
    shares = np.asarray(scores, np.float64) @ np.eye(len(labels))[_targets(model, labels)]
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def reached(model: ModelLabels, labels: Sequence[str]) -> frozenset[str]:
    """Return those of ``labels`` for which `project` can return a score other than 0."""
    return frozenset(labels[place] for place in _targets(model, labels))


def check_sides(model: ModelLabels) -> None:
    """Check that the model has negative and positive labels, which the behaviour suite needs.

    Raises:
        SettingError: it lacks one of them.
    """
    if not {Sentiment.NEGATIVE, Sentiment.POSITIVE} <= set(model.sentiments):
        raise SettingError(
            Code.LABELS_WITHOUT_POLARITY,
            f"the labels of {model.model} ({enumerated(model.labels)}) do not distinguish negative and positive, "
            "which is what --behaviour tests: leave it out, or set label_polarity",
        )


def _targets(model: ModelLabels, labels: Sequence[str]) -> list[int]:
    """Return, for each of the model's labels, the index in ``labels`` of its meaning."""
    if _plain(model.labels) == _plain(labels):
        return [_place(label, labels) for label in model.labels]
    return [_SENTIMENTS.index(sentiment) for sentiment in model.sentiments]


def relabel(data: Labelled, labels: Sequence[str], polarities: Mapping[str, float] | None = None) -> Labelled:
    """Return the data with these labels: its own, or the sentiments that they mean, where listed by ``polarities``."""
    if tuple(labels) == data.labels:
        return data
    own, _ = label_polarities(data.labels, Activation.SOFTMAX, own_polarities(data.labels, polarities or {}))
    target = (1 + np.sign(own)).astype(np.int64)
    targets = (data.targets @ np.eye(len(labels), dtype=np.float32)[target]).astype(np.float32)
    return replace(data, labels=tuple(labels), truth=target[data.truth], targets=targets)


def _plain(labels: Sequence[str]) -> frozenset[str]:
    return frozenset(label.casefold() for label in labels)


def _place(label: str, labels: Sequence[str]) -> int:
    places: Mapping[str, int] = {name.casefold(): place for place, name in enumerate(labels)}
    return places[label.casefold()]

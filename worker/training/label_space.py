"""One set of labels to compare models in, whose own labels may differ from the data's and from one another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier
from worker.classifier.labels import Activation, label_polarities
from worker.errors import SettingError
from worker.training.data import LABELS
from worker.training.labelled import Labelled
from worker.verdict import Sentiment

_SENTIMENTS = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)


@dataclass(frozen=True, slots=True)
class ModelLabels:
    """A model's labels, and the sentiment that the worker gives each of them."""

    model: str
    labels: tuple[str, ...]
    sentiments: tuple[Sentiment, ...]


def labels_of(classifier: Classifier) -> ModelLabels:
    """The labels of a loaded classifier.

    Raises:
        SettingError: it has a single label, so that its scores are no distribution.
    """
    labels = classifier.card.labels
    if len(labels) < 2:
        raise SettingError(f"the model {classifier.card.name} has one label only: evaluate takes two or more")
    # What the classifier says of a text that has one label for certain is what it takes that label to mean.
    certain = np.eye(len(labels), dtype=np.float32)
    sentiments = classifier.verdicts(certain, np.ones(len(labels), np.int32), np.zeros(len(labels), np.bool_)).sentiment
    return ModelLabels(classifier.card.name, labels, tuple(sentiments))


def common_labels(data: Labelled, models: Sequence[ModelLabels]) -> tuple[str, ...]:
    """The data's labels where every model has the same, in any case and order; otherwise the three sentiments.

    Raises:
        SettingError: a model's labels are others than the data's, and the data's are no sentiments.
    """
    for model in models:
        if _plain(model.labels) != _plain(data.labels) and label_polarities(data.labels, Activation.SOFTMAX, {})[1]:
            raise SettingError(
                f"the model {model.model} has the labels {', '.join(model.labels)} and {data.name} has "
                f"{', '.join(data.labels)}: name the data's labels as the model does, with --labels where they are "
                "numbers"
            )
    if all(_plain(model.labels) == _plain(data.labels) for model in models):
        return data.labels
    return LABELS


def project(scores: NDArray[np.floating], model: ModelLabels, labels: Sequence[str]) -> NDArray[np.float64]:
    """Scores [n, model's labels] as shares [n, labels], rows summing to one.

    Where the model has other labels, ``labels`` are the sentiments, and the score of one is the sum over the labels
    that mean it.
    """
    if _plain(model.labels) == _plain(labels):
        target = [_place(label, labels) for label in model.labels]
    else:
        target = [_SENTIMENTS.index(sentiment) for sentiment in model.sentiments]
    shares = np.asarray(scores, np.float64) @ np.eye(len(labels))[target]
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12))


def relabel(data: Labelled, labels: Sequence[str]) -> Labelled:
    """The data with these labels: its own, or the sentiments that its own mean."""
    if tuple(labels) == data.labels:
        return data
    polarities, _ = label_polarities(data.labels, Activation.SOFTMAX, {})
    target = (1 + np.sign(polarities)).astype(np.int64)
    targets = (data.targets @ np.eye(len(labels), dtype=np.float32)[target]).astype(np.float32)
    return replace(data, labels=tuple(labels), truth=target[data.truth], targets=targets)


def _plain(labels: Sequence[str]) -> frozenset[str]:
    return frozenset(label.casefold() for label in labels)


def _place(label: str, labels: Sequence[str]) -> int:
    places: Mapping[str, int] = {name.casefold(): place for place, name in enumerate(labels)}
    return places[label.casefold()]

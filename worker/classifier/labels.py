"""Mapping labels to polarity and sentiment, by one table: the meaning of a model's labels on a scale from -1 to 1.

Pure: names and numpy arrays in, verdicts out.
"""

import math
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from worker.errors import Code, SettingError
from worker.verdict import Sentiment, Verdicts

Floats = npt.NDArray[np.float32]

DECIDED = 0.5
"""For labels that do not exclude one another (sigmoid, raw value): the least distance from 0 that is not neutral."""


class Activation(StrEnum):
    """How a head's logits become scores."""

    SOFTMAX = "softmax"
    """One label of many: the scores are probabilities that sum to 1."""
    SIGMOID = "sigmoid"
    """Any number of labels at once, each with its own probability, as moderation models have them."""
    IDENTITY = "identity"
    """A regression head: the score is the value itself."""


def _names(polarity: float, names: str) -> dict[str, float]:
    return dict.fromkeys((name.strip() for name in names.split(",")), polarity)


NAMED: Mapping[str, float] = {
    **_names(1.0, "positive, pos, very positive, bullish, good, favorable, happy"),
    **_names(0.0, "neutral, neu, mixed, none, other, both"),
    **_names(-1.0, "negative, neg, very negative, bearish, bad, unfavorable, unhappy"),
    # Harm, as moderation models name it, is negative; its absence says nothing about the mood.
    **_names(-1.0, "toxic, toxicity, severe toxic, severe toxicity, obscene, obscenity, threat, insult, profanity"),
    **_names(
        -1.0, "identity hate, identity attack, hate, hateful, hate speech, offensive, offensive language, abusive"
    ),
    **_names(-1.0, "abuse, harassment, bullying, violence, self harm, sexual, sexual explicit, racism, sexism, unsafe"),
    **_names(0.0, "non toxic, nontoxic, not toxic, non hate, nothate, not hate, non offensive, not offensive"),
    **_names(0.0, "normal, neither, clean, safe, ok, acceptable, appropriate"),
    # Emotions, grouped as in GoEmotions (Demszky et al. 2020, figure 2).
    **_names(1.0, "admiration, amusement, approval, caring, desire, excitement, gratitude, joy, love, optimism, pride"),
    **_names(1.0, "relief, happiness"),
    **_names(-1.0, "anger, annoyance, disappointment, disapproval, disgust, embarrassment, fear, grief, nervousness"),
    **_names(-1.0, "remorse, sadness, pessimism"),
    **_names(0.0, "confusion, curiosity, realization, surprise, anticipation, trust"),
}
"""Polarity of the names that models give their labels, in lower case, words separated by one space."""

_FIVE_STEPS: Mapping[str, float] = {"positive": 0.5, "pos": 0.5, "negative": -0.5, "neg": -0.5}
"""The polarity of these in a model that also has a label with *very*."""

_NUMBERED = re.compile(r"(?:label )?(\d{1,3})(?: stars?)?")
"""``LABEL_2``, ``4 stars``, ``3``: the rank of a label on a scale."""


def label_polarities(
    labels: Sequence[str], activation: Activation, overrides: Mapping[str, float]
) -> tuple[Floats, tuple[str, ...]]:
    """Return the polarity of each label, [labels], and the names of unknown labels, whose polarity is 0.

    An override comes first, then the table of names. If all labels of a softmax head are numbered (``1 star`` to
    ``5 stars``, ``LABEL_0`` to ``LABEL_9``), the lowest is -1, the highest 1, and the others lie between by number.
    A regression head's only label is 1 if it is only numbered: the value is used as it is.

    Raises:
        SettingError: an override names a label that the model does not have, or is outside -1..1.
    """
    for name, polarity in overrides.items():
        if name not in labels:
            raise SettingError(
                Code.UNKNOWN_LABEL,
                f"label_polarity names {name!r}, which is not one of the model's labels: {', '.join(labels)}",
            )
        if not (math.isfinite(polarity) and -1 <= polarity <= 1):
            raise SettingError(
                Code.INVALID_SETTING, f"label_polarity of {name!r} is {polarity}: it must be between -1 and 1"
            )

    known = _named(labels) | _numbered(labels, activation) | dict(overrides)
    unknown = tuple(name for name in labels if name not in known)
    return np.array([known.get(name, 0.0) for name in labels], dtype=np.float32), unknown


def _named(labels: Sequence[str]) -> dict[str, float]:
    plain = {label: " ".join(re.split(r"[\s_-]+", label.strip().lower())) for label in labels}
    table = NAMED
    if any(name.startswith("very ") for name in plain.values()):
        table = {**NAMED, **_FIVE_STEPS}
    return {label: table[name] for label, name in plain.items() if name in table}


def _numbered(labels: Sequence[str], activation: Activation) -> dict[str, float]:
    matches = [_NUMBERED.fullmatch(label.strip().lower().replace("_", " ")) for label in labels]
    numbers = [int(match[1]) for match in matches if match]
    if len(numbers) < len(labels):
        return {}
    if len(labels) == 1:
        return {labels[0]: 1.0} if activation is Activation.IDENTITY else {}
    if activation is not Activation.SOFTMAX or len(set(numbers)) < len(numbers):
        return {}  # no scale: the labels do not exclude one another
    low, high = min(numbers), max(numbers)
    return {label: 2 * (number - low) / (high - low) - 1 for label, number in zip(labels, numbers, strict=True)}


class VerdictTable:
    """Turns scores into verdicts for one model's labels, column by column."""

    def __init__(self, labels: Sequence[str], polarities: Floats, activation: Activation) -> None:
        self._labels = np.array(labels, dtype=object)
        self._polarities = polarities
        self._activation = activation

    def verdicts(self, scores: Floats, lengths: npt.NDArray[np.integer], truncated: npt.NDArray[np.bool_]) -> Verdicts:
        """Return the verdicts on n texts, given their finite scores [n, labels].

        ``label`` is the one with the highest score. Softmax: the polarity is the expectation over the labels, and the
        sentiment is that of ``label``; if the scores are spread, the two can differ in sign. Otherwise each label
        contributes its score times its polarity; the polarity is the contribution furthest from 0, within -1..1, and
        the sentiment is that of the polarity if it is at least ``DECIDED`` away from 0, else neutral.
        """
        best = scores.argmax(axis=1)
        if self._activation is Activation.SOFTMAX:
            polarity = scores @ self._polarities
            direction = np.sign(self._polarities)[best]
        else:
            contributions = scores * self._polarities
            furthest = np.abs(contributions).argmax(axis=1)
            polarity = contributions[np.arange(len(scores)), furthest]
            direction = np.where(np.abs(polarity) >= DECIDED, np.sign(polarity), 0)
        return Verdicts(
            label=self._labels[best].tolist(),
            score=scores[np.arange(len(scores)), best].tolist(),
            scores=scores.tolist(),
            sentiment=_SENTIMENTS[direction.astype(np.int64) + 1].tolist(),
            polarity=np.clip(polarity, -1, 1).tolist(),
            tokens=lengths.tolist(),
            truncated=truncated.tolist(),
        )


_SENTIMENTS = np.array([Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE], dtype=object)

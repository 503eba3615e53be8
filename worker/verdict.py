"""The classifier's verdicts on a list of texts, as columns of equal length."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Sentiment(StrEnum):
    """The three sentiments, to which the labels of every model are mapped."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The description of the model that is published with each verdict.

    ``revision`` identifies the weights: a hub commit, or a digest of a local folder's weights, configuration,
    vocabulary and label polarities. The deterministic id of an output contains it.
    """

    name: str
    revision: str
    labels: tuple[str, ...]
    """The model's labels in the order of its outputs."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts on n texts; every column has n entries."""

    label: Sequence[str] = field(repr=False)
    score: Sequence[float] = field(repr=False)
    """The score of ``label``: a probability in 0..1, or the value itself for a regression head."""
    scores: Sequence[Sequence[float]] = field(repr=False)
    """n rows, one score for each of the model's labels, in the model's order."""
    sentiment: Sequence[Sentiment] = field(repr=False)
    polarity: Sequence[float] = field(repr=False)
    """-1 (negative) to 1 (positive)."""
    tokens: Sequence[int] = field(repr=False)
    """Tokens that the model saw, special tokens included."""
    truncated: Sequence[bool] = field(repr=False)

    def __len__(self) -> int:
        return len(self.label)

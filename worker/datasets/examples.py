"""What a classifier is trained on: texts, a distribution over labels for each, and what ratings say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LABELS: tuple[str, str, str] = ("negative", "neutral", "positive")

#: Ratings up to this far from zero are neutral, on both sides.
NEUTRAL_BORDER = 0.5

#: Standard error of the mean rating of a sentence, in rating points, as the panels' spread and size give it.
RATING_ERROR = 0.3


@dataclass(frozen=True, slots=True)
class Examples:
    """The input of a training loop, column by column; all columns have the same length n.

    ``targets`` is float32 (n, labels), every row a distribution. ``ratings`` is float32 (n,), NaN where a text has
    none. ``weights`` is float32 (n,), 1 for a text that counts once. ``features``, where a teacher gave some, is
    float16 (n, 2, width) as `worker.training.scoring.sentence_vectors` makes them, NaN for texts it has not read.
    """

    texts: tuple[str, ...]
    targets: NDArray[np.float32]
    ratings: NDArray[np.float32]
    weights: NDArray[np.float32]
    features: NDArray[np.float16] | None = None

    def __post_init__(self) -> None:
        columns = (self.texts, self.targets, self.ratings, self.weights, self.features)
        sizes = {len(column) for column in columns if column is not None}
        if len(sizes) != 1:
            raise ValueError(f"columns of different lengths: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"Examples(n={len(self)}, labels={self.targets.shape[1]})"


def soft_targets(
    ratings: Sequence[float] | NDArray[np.floating], error: float = RATING_ERROR, border: float = NEUTRAL_BORDER
) -> NDArray[np.float32]:
    """Probabilities (n, 3) of negative, neutral and positive, were the panel asked again.

    The mean rating r is taken as normally distributed with the standard deviation ``error``: negative is the mass
    below ``-border``, positive that above ``+border``, neutral the rest.
    """
    column = np.asarray(ratings, dtype=np.float64)
    scale = error * math.sqrt(2.0)
    erf = np.vectorize(math.erf, otypes=[np.float64])
    negative = 0.5 * (1.0 + erf((-border - column) / scale))
    positive = 0.5 * (1.0 + erf((column - border) / scale))
    return np.stack([negative, 1.0 - negative - positive, positive], axis=1).astype(np.float32)


def hard_labels(ratings: Sequence[float] | NDArray[np.floating], border: float = NEUTRAL_BORDER) -> NDArray[np.int64]:
    """Indices into ``LABELS`` (n,): 0 below ``-border``, 2 above ``+border``, 1 from one border to the other."""
    column = np.asarray(ratings, dtype=np.float64)
    return (1 + (column > border).astype(np.int64) - (column < -border).astype(np.int64)).astype(np.int64)


def join(parts: Sequence[Examples]) -> Examples:
    """Columns one after another."""
    return Examples(
        tuple(text for part in parts for text in part.texts),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.ratings for part in parts]),
        np.concatenate([part.weights for part in parts]),
        _join_features(parts),
    )


def _join_features(parts: Sequence[Examples]) -> NDArray[np.float16] | None:
    shapes = {part.features.shape[1:] for part in parts if part.features is not None}
    if not shapes:
        return None
    (shape,) = shapes
    joined = np.full((sum(map(len, parts)), *shape), np.nan, np.float16)
    start = 0
    for part in parts:
        if part.features is not None:
            joined[start : start + len(part)] = part.features
        start += len(part)
    return joined

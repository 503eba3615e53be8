"""Examples to train a classifier on: texts, and a distribution over labels for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

LABELS: tuple[str, str, str] = ("negative", "neutral", "positive")

#: Ratings up to this far from zero are neutral, on both sides.
NEUTRAL_BORDER = 0.5

#: Standard error of the mean rating of a sentence, in rating points, from the panels' spread and size.
RATING_ERROR = 0.3


@dataclass(frozen=True, slots=True)
class Examples:
    """The input of a training loop, column by column; all columns have the same length n.

    ``targets`` is float32 (n, labels), every row a distribution. ``weights`` is float32 (n,), 1 for a text that counts
    once.
    """

    texts: tuple[str, ...]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]

    def __post_init__(self) -> None:
        columns = (getattr(self, field.name) for field in fields(self))
        sizes = {len(column) for column in columns if column is not None}
        if len(sizes) != 1:
            raise ValueError(f"columns of different lengths: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        # Texts are private: a repr may end up in a log.
        return f"{type(self).__name__}(n={len(self)}, labels={self.targets.shape[1]})"


def soft_targets(
    ratings: Sequence[float] | NDArray[np.floating], error: float = RATING_ERROR, border: float = NEUTRAL_BORDER
) -> NDArray[np.float32]:
    """Return the probabilities (n, 3) of negative, neutral and positive if the panel were asked again.

    The mean rating r is assumed to be normally distributed with the standard deviation ``error``: negative is the mass
    below ``-border``, positive that above ``+border``, neutral the rest.
    """
    column = np.asarray(ratings, dtype=np.float64)
    scale = error * math.sqrt(2.0)
    erf = np.vectorize(math.erf, otypes=[np.float64])
    negative = 0.5 * (1.0 + erf((-border - column) / scale))
    positive = 0.5 * (1.0 + erf((column - border) / scale))
    return np.stack([negative, 1.0 - negative - positive, positive], axis=1).astype(np.float32)


def hard_labels(ratings: Sequence[float] | NDArray[np.floating], border: float = NEUTRAL_BORDER) -> NDArray[np.int64]:
    """Return indices into ``LABELS`` (n,): 0 below ``-border``, 2 above ``+border``, 1 in between."""
    column = np.asarray(ratings, dtype=np.float64)
    return (1 + (column > border).astype(np.int64) - (column < -border).astype(np.int64)).astype(np.int64)

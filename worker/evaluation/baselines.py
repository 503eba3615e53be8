"""VADER as a baseline: word lists and rules, no training (Hutto & Gilbert 2014)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.errors import Code, SettingError

#: VADER's authors call a compound score from here on positive, and one from its negative down negative.
THRESHOLD = 0.05


def open_vader() -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """Return a function from n texts to shares [n, 3] of negative, neutral and positive.

    The largest share is VADER's verdict. Shares are not probabilities: VADER has only a compound score from -1 to 1.

    Raises:
        SettingError: vaderSentiment is not installed.
    """
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise SettingError(
            Code.PACKAGE_NOT_INSTALLED, "--against vader needs vaderSentiment: pip install 'sentiment-worker[train]'"
        ) from None
    analyzer = SentimentIntensityAnalyzer()

    def scores_of(texts: Sequence[str]) -> NDArray[np.float64]:
        return _shares(np.array([analyzer.polarity_scores(text)["compound"] for text in texts], dtype=np.float64))

    return scores_of


def _shares(compound: NDArray[np.float64]) -> NDArray[np.float64]:
    # The threshold of the verdict is inclusive, hence the neutral score just below it.
    neutral = np.full(len(compound), np.nextafter(THRESHOLD, 0.0))
    shares = np.stack([np.maximum(-compound, 0.0), neutral, np.maximum(compound, 0.0)], axis=1)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))

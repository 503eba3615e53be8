"""Rated sentences as training columns.

A rated sentence carries the mean of what ten to twenty people gave it, from -4 (most negative) to +4 (most positive).
The mean says more than a label does: a sentence at +0.4 is halfway between neutral and positive, and a classifier
that is trained on means learns to be as uncertain as its raters.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.datasets.examples import Examples, soft_targets


@dataclass(frozen=True, slots=True)
class RatedText:
    """One sentence and the mean of its ratings (-4 .. +4)."""

    id: str
    domain: str
    text: str
    rating: float

    def __repr__(self) -> str:
        # Texts are private: a repr may end up in a log.
        return f"RatedText(id={self.id!r}, rating={self.rating})"


@dataclass(frozen=True, slots=True, repr=False)
class RatedExamples(Examples):
    """Training columns with ratings, and with a teacher's features if there are any.

    ``ratings`` is float32 (n,), NaN where a text has none. ``features`` is float16 (n, 2, width) as returned by
    `recipes.bundled.features.sentence_vectors`, NaN for texts that the teacher has not read.
    """

    ratings: NDArray[np.float32]
    features: NDArray[np.float16] | None = None


def packaged(split: str) -> Path:
    """Return the path of the repository's own copy of the rated sentences; ``split`` is ``train`` or ``dev``."""
    return Path(__file__).parent / "data" / f"rated_sentences.{split}.jsonl.gz"


def read_rated(path: Path) -> list[RatedText]:
    """Read JSON lines (gzip-compressed where the name ends in ``.gz``) with id, domain, text and rating.

    Raises ValueError with the line's number where a line is not such an object.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    rows: list[RatedText] = []
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                rated = RatedText(str(row["id"]), str(row["domain"]), row["text"], float(row["rating"]))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path.name}, line {number}: not a rated sentence ({error!r})") from error
            if not isinstance(rated.text, str) or not math.isfinite(rated.rating):
                raise ValueError(f"{path.name}, line {number}: text or rating of the wrong kind")
            rows.append(rated)
    return rows


def examples_of(rows: Sequence[RatedText]) -> RatedExamples:
    """Return rated sentences as training columns, each with the weight 1."""
    ratings = np.array([row.rating for row in rows], dtype=np.float32)
    texts = tuple(row.text for row in rows)
    return RatedExamples(texts, soft_targets(ratings), np.ones(len(rows), np.float32), ratings)


def join(parts: Sequence[RatedExamples]) -> RatedExamples:
    """Concatenate columns."""
    return RatedExamples(
        tuple(text for part in parts for text in part.texts),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.ratings for part in parts]),
        _join_features(parts),
    )


def _join_features(parts: Sequence[RatedExamples]) -> NDArray[np.float16] | None:
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

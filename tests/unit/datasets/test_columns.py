"""Which columns are read, and as what."""

from pathlib import Path

import pytest
from unit.datasets.labelled_files import refusal, written

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled
from worker.errors import SettingError


@pytest.mark.parametrize(
    ("columns", "flag"),
    [
        pytest.param(Columns(text="nope"), "name that of the texts with --text-column", id="text"),
        pytest.param(Columns(label="nope"), "name that of the labels with --label-column", id="label"),
        pytest.param(Columns(rating="nope"), "name that of the ratings with --rating-column", id="rating"),
        pytest.param(Columns(domain="nope"), "name that of the domains with --domain-column", id="domain"),
    ],
)
def test_a_column_that_is_named_and_not_there_is_refused_with_those_there_are(
    tmp_path: Path, columns: Columns, flag: str
) -> None:
    said = refusal(tmp_path, "text,label,rating\na,good,2\nb,bad,-2\n", columns=columns)

    assert f"has no column 'nope' but text, label, rating: {flag}" in said


def test_a_column_of_texts_of_another_name_is_asked_for(tmp_path: Path) -> None:
    said = refusal(tmp_path, "review,label\na,good\nb,bad\n")

    assert said == "a.csv has no column 'text' but review, label: name that of the texts with --text-column"


def test_a_row_in_the_place_of_a_header_is_not_quoted(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"{'secret words ' * 5},good\nb,bad\n")

    assert "secret" not in said
    assert "first line names its columns" in said


def test_a_first_row_that_ends_early_lacks_no_column(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label,domain\na,good\nb,bad,x\n"))

    assert data.domains == ("", "x")


def test_a_rating_that_is_named_is_what_is_learnt_and_no_other_column(tmp_path: Path) -> None:
    content = "text,label,rating,negative,neutral,positive\na,x,2,1,0,0\nb,y,-2,0,0,1\n"
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(rating="rating"))

    assert (data.kind, data.labels, data.truth.tolist()) == ("ratings", ("negative", "neutral", "positive"), [2, 0])


def test_a_label_that_is_named_is_what_is_learnt_and_no_other_column(tmp_path: Path) -> None:
    content = "text,label,klass,rating,negative,neutral,positive\na,x,1,9,1,0,0\nb,y,2,9,0,0,1\n"
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="klass"))

    assert (data.kind, data.labels, data.ratings) == ("labels", ("1", "2"), None)


def test_label_and_rating_that_are_named_are_both_read(tmp_path: Path) -> None:
    content = "text,label,rating\na,positive,2\nb,negative,-2\n"
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="label", rating="rating"))

    assert data.kind == "labels"
    assert data.ratings is not None
    assert "both name 'rating'" in refusal(tmp_path, content, columns=Columns(label="rating", rating="rating"))


def test_votes_in_columns_of_other_names_are_told_of_the_flag(tmp_path: Path) -> None:
    content = "text,ham,spam\na,1,4\n"

    said = refusal(tmp_path, content)
    assert "all columns of votes with --labels a,b,c" in said
    assert "but text, ham, spam" in said
    assert read_labelled(written(tmp_path, "a.csv", content), ["ham", "spam"]).kind == "vote shares"


@pytest.mark.parametrize("header", ["text,label,label", "text,text,label", "text,label,domain,domain"])
def test_a_column_that_is_read_is_there_once(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\na,x,y\nb,y,x\n")
    with pytest.raises(SettingError, match=r"has 2 columns '(text|label|domain)': rename all but one"):
        read_labelled(tmp_path / "a.csv")


def test_other_columns_may_be_there_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,,\na,x,,\nb,y,,\n")
    assert read_labelled(tmp_path / "a.csv").texts == ("a", "b")


def test_what_a_model_said_is_no_label(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,stars,sentiment,polarity,label,score,truncated\na,1,x,0,y,1,false\nb,2,x,0,z,1,false\n")
    with pytest.raises(SettingError, match="as classify writes them: what a model said is no label"):
        read_labelled(file)
    assert read_labelled(file, columns=Columns(label="stars")).labels == ("1", "2")

"""Which columns are read, and as what."""

import re
from pathlib import Path

import pytest
from error_codes import raises_code
from unit.datasets.labelled_files import refusal, written

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled
from worker.errors import Code, SettingError


@pytest.mark.parametrize(
    ("columns", "flag"),
    [
        pytest.param(Columns(text="nope"), "--text-column", id="text"),
        pytest.param(Columns(label="nope"), "--label-column", id="label"),
        pytest.param(Columns(rating="nope"), "--rating-column", id="rating"),
        pytest.param(Columns(domain="nope"), "--domain-column", id="domain"),
    ],
)
def test_a_column_that_is_named_and_not_there_is_refused_with_those_there_are(
    tmp_path: Path, columns: Columns, flag: str
) -> None:
    refused = refusal(tmp_path, "text,label,rating\na,good,2\nb,bad,-2\n", columns=columns)

    assert refused.code is Code.COLUMN_NOT_FOUND
    assert [part for part in ("'nope'", "text, label, rating", flag) if part not in refused.sentence] == []


def test_a_column_of_texts_of_another_name_is_asked_for(tmp_path: Path) -> None:
    refused = refusal(tmp_path, "review,label\na,good\nb,bad\n")

    assert refused.code is Code.COLUMN_NOT_FOUND
    assert [
        part for part in ("a.csv", "'text'", "review, label", "--text-column") if part not in refused.sentence
    ] == []


def test_a_row_in_the_place_of_a_header_is_not_quoted(tmp_path: Path) -> None:
    refused = refusal(tmp_path, f"{'secret words ' * 5},good\nb,bad\n")

    assert refused.code is Code.COLUMN_NOT_FOUND
    assert "secret" not in refused.sentence
    assert "first line names its columns" in refused.sentence


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
    refused = refusal(tmp_path, content, columns=Columns(label="rating", rating="rating"))
    assert refused.code is Code.CONFLICTING_FLAGS


def test_votes_in_columns_of_other_names_are_told_of_the_flag(tmp_path: Path) -> None:
    content = "text,ham,spam\na,1,4\n"

    refused = refusal(tmp_path, content)
    assert refused.code is Code.COLUMN_NOT_FOUND
    assert "--labels a,b,c" in refused.sentence
    assert "text, ham, spam" in refused.sentence
    assert read_labelled(written(tmp_path, "a.csv", content), ["ham", "spam"]).kind == "vote shares"


@pytest.mark.parametrize("header", ["text,label,label", "text,text,label", "text,label,domain,domain"])
def test_a_column_that_is_read_is_there_once(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\na,x,y\nb,y,x\n")
    with raises_code(SettingError, Code.DUPLICATE_COLUMN) as raised:
        read_labelled(tmp_path / "a.csv")
    assert re.search(r"'(text|label|domain)'", str(raised.value))


def test_other_columns_may_be_there_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,,\na,x,,\nb,y,,\n")
    assert read_labelled(tmp_path / "a.csv").texts == ("a", "b")


def test_what_a_model_said_is_no_label(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,stars,sentiment,polarity,label,score,truncated\na,1,x,0,y,1,false\nb,2,x,0,z,1,false\n")
    with raises_code(SettingError, Code.VERDICTS_AS_LABELS):
        read_labelled(file)
    assert read_labelled(file, columns=Columns(label="stars")).labels == ("1", "2")

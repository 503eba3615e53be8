"""Labelled texts as users have them: what is read, and what is said of a bad row."""

from pathlib import Path

import numpy as np
import pytest
from unit.datasets.labelled_files import written

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled


def test_json_lines_with_labels(tmp_path: Path) -> None:
    data = read_labelled(
        written(tmp_path, "a.jsonl", '{"text": "x", "label": "Positive"}\n\n{"text": "y", "label": "Negative"}\n')
    )

    assert (data.labels, data.truth.tolist(), data.kind) == (("Negative", "Positive"), [1, 0], "labels")
    assert data.targets.tolist() == [[0, 1], [1, 0]]


def test_csv_with_a_byte_order_mark_and_a_text_over_two_lines(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", '\ufefftext,label\n"one, \ntwo",b\nthree,a\n'))

    assert data.texts == ("one, \ntwo", "three")
    assert data.labels == ("a", "b")


def test_votes_become_shares_and_the_rating_still_says_the_label(tmp_path: Path) -> None:
    data = read_labelled(
        written(tmp_path, "a.jsonl", '{"text": "x", "rating": 0.4, "negative": 0, "neutral": 1, "positive": 3}\n')
    )

    np.testing.assert_allclose(data.targets, [[0, 0.25, 0.75]])
    assert data.truth.tolist() == [1]
    assert data.kind == "vote shares"


def test_votes_alone_say_the_label_too(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,spam,ham\nx,1,4\n"), ["ham", "spam"])

    np.testing.assert_allclose(data.targets, [[0.8, 0.2]])
    assert data.truth.tolist() == [0]


def test_a_label_beside_shares_is_one_of_theirs_by_name_or_number(tmp_path: Path) -> None:
    content = "text,label,negative,neutral,positive\nx,2,0,1,3\ny,NEGATIVE,1,3,0\n"
    data = read_labelled(written(tmp_path, "a.csv", content))

    assert (data.labels, data.truth.tolist()) == (("negative", "neutral", "positive"), [2, 0])
    np.testing.assert_allclose(data.targets, [[0, 0.25, 0.75], [0.25, 0.75, 0]])


@pytest.mark.parametrize(
    ("column", "labels", "truth"),
    [
        pytest.param(
            ["Positive", "positive", "negative"],
            ("negative", "Positive"),
            [1, 1, 0],
            id="sentiments",
        ),
        pytest.param(
            ["spam", "ham", "Ham", "SPAM"],
            ("ham", "spam"),
            [1, 0, 0, 1],
            id="others",
        ),
    ],
)
def test_a_label_in_two_spellings_is_one_by_its_first(
    tmp_path: Path, column: list[str], labels: tuple[str, ...], truth: list[int]
) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\n" + "".join(f"x,{label}\n" for label in column)))

    assert (data.labels, data.truth.tolist()) == (labels, truth)


def test_stars_that_pandas_wrote_with_a_fraction_are_whole_numbers(tmp_path: Path) -> None:
    file = tmp_path / "stars.csv"
    file.write_text("text,label\nawful,1.0\nso so,3.00\ngreat,5.0\nwell made,4.5\n")

    assert read_labelled(file).labels == ("1", "3", "4.5", "5")
    named = read_labelled(file, ["1", "3", "4.5", "5"])
    assert [named.labels[place] for place in named.truth] == ["1", "3", "5", "4.5"]
    with_fraction = read_labelled(file, ["1.0", "3.0", "4.5", "5.0"])  # by name, not the places 1, 3 and 5
    assert [with_fraction.labels[place] for place in with_fraction.truth] == ["1.0", "3.0", "5.0", "4.5"]


def test_a_rating_alone_gives_soft_targets(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,mean\nx,0.5\ny,-3\nz,2\n"), columns=Columns(rating="mean"))

    assert data.truth.tolist() == [1, 0, 2]
    assert data.targets[0, 2] == pytest.approx(0.5)


def test_numbered_labels_are_sorted_as_numbers(tmp_path: Path) -> None:
    rows = "".join(f"x,{stars} stars\n" for stars in (10, 9, 2))

    assert read_labelled(written(tmp_path, "a.csv", "text,label\n" + rows)).labels == ("2 stars", "9 stars", "10 stars")


def test_a_repr_shows_no_text(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\nsecret,0\nwords,1\n"))

    assert "secret" not in repr(data)


def test_a_label_with_a_fraction_is_one_in_json_as_in_csv(tmp_path: Path) -> None:
    lines = written(tmp_path, "a.jsonl", '{"text": "x", "label": 1.5}\n{"text": "y", "label": 2}\n')
    table = written(tmp_path, "a.csv", "text,label\nx,1.5\ny,2\n")

    assert read_labelled(lines).labels == read_labelled(table).labels == ("1.5", "2")

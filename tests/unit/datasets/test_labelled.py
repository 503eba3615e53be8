"""Labelled texts as users have them: what is read, and what is said of a bad row."""

import re
from pathlib import Path

import numpy as np
import pytest
from error_codes import raises_code
from unit.datasets.labelled_files import refusal, written

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled
from worker.errors import Code, SettingError


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


GOOD = '{"text": "fine", "label": "b"}\n'


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        pytest.param(
            "a.jsonl",
            GOOD + "[1]\n",
            Code.INVALID_ROW,
            "line 2:",
            id="an array",
        ),
        pytest.param(
            "a.jsonl",
            GOOD + '{"text": secret}\n',
            Code.INVALID_ROW,
            "line 2:",
            id="broken JSON",
        ),
        pytest.param(
            "a.jsonl",
            GOOD + '{"label": "b"}\n',
            Code.INVALID_ROW,
            "line 2:",
            id="no text",
        ),
        pytest.param(
            "a.jsonl",
            GOOD + '{"text": " ", "label": "b"}\n',
            Code.INVALID_ROW,
            "line 2:",
            id="a blank text",
        ),
        pytest.param(
            "a.jsonl", GOOD + '{"text": 5, "label": "b"}\n', Code.INVALID_ROW, "line 2:", id="a text that is none"
        ),
        pytest.param(
            "a.jsonl",
            GOOD + '{"text": "secret"}\n',
            Code.INVALID_ROW,
            "line 2:",
            id="no label",
        ),
        pytest.param(
            "a.jsonl", GOOD + '{"text": "\\ud800", "label": "b"}\n', Code.INVALID_ROW, "line 2:", id="half a character"
        ),
        pytest.param(
            "a.jsonl",
            GOOD,
            Code.SINGLE_LABEL,
            "--labels",
            id="one label only",
        ),
        pytest.param(
            "a.jsonl", GOOD + GOOD.replace('"b"', '"B"'), Code.SINGLE_LABEL, "--labels", id="one label in two spellings"
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "secret", "rating": true}\n',
            Code.INVALID_ROW,
            "line 1: .*'rating'",
            id="a true rating",
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "secret", "negative": 1, "neutral": 0, "positive": false}\n',
            Code.INVALID_ROW,
            "line 1: .*'positive'",
            id="a false vote",
        ),
        pytest.param(
            "a.jsonl",
            f'{{"text": "secret", "rating": {10**400}}}\n',
            Code.INVALID_ROW,
            "line 1:",
            id="a number beyond any float",
        ),
        pytest.param(
            "a.csv",
            "text,label,negative,neutral,positive\nx,2,0,1,3\nsecret,3,0,1,3\n",
            Code.INVALID_ROW,
            "line 3: .*'3'.* negative, neutral, positive",
            id="a label beside the shares of others",
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "secret"}\n',
            Code.COLUMN_NOT_FOUND,
            "'label' or 'rating'",
            id="nothing to learn",
        ),
        pytest.param(
            "a.jsonl",
            "\n",
            Code.FILE_EMPTY,
            r"a\.(csv|jsonl)",
            id="an empty file",
        ),
        pytest.param(
            "a.csv",
            "",
            Code.FILE_EMPTY,
            r"a\.(csv|jsonl)",
            id="an empty CSV file",
        ),
        pytest.param(
            "a.csv",
            'text,label\n"a\nb",x\nsecret,y,z\n',
            Code.INVALID_ROW,
            "line 4:",
            id="a comma too many",
        ),
        pytest.param(
            "a.csv",
            "text,label\na,x\n\nsecret,y,z\n",
            Code.INVALID_ROW,
            "line 4:",
            id="after a blank line",
        ),
        pytest.param(
            "a.csv", f"text,label\n{'long ' * 30_000},x\nsecret,y,z\n", Code.INVALID_ROW, "line 3:", id="a long text"
        ),
        pytest.param(
            "a.json",
            '[{"text": "secret"},\n{"text": "b"}]\n',
            Code.FILE_FORMAT_UNSUPPORTED,
            "JSON lines",
            id="a JSON array",
        ),
        pytest.param(
            "a.csv",
            'text,label\n"a" b,x\n',
            Code.INVALID_ROW,
            "line 2:",
            id="quotes in the middle",
        ),
        pytest.param(
            "a.csv", "text,rating\nsecret,5\n", Code.INVALID_ROW, "line 2: .*'rating'", id="a rating too high"
        ),
        pytest.param(
            "a.csv", "text,rating\nsecret,nan\n", Code.INVALID_ROW, "line 2: .*'rating'", id="a rating that is none"
        ),
        pytest.param(
            "a.csv", "text,rating\nsecret,\n", Code.INVALID_ROW, "line 2: .* fill it in", id="an empty rating"
        ),
        pytest.param(
            "a.csv",
            'text,rating\nsecret,"1,5"\n',
            Code.INVALID_ROW,
            r"line 2: .*1\.5",
            id="a decimal comma",
        ),
        pytest.param(
            "a.csv",
            "text,negative,neutral,positive\nsecret,-1,0,5\n",
            Code.INVALID_ROW,
            "line 2: .*'negative'",
            id="a vote below 0",
        ),
        pytest.param(
            "a.csv",
            "text,negative,neutral,positive\nsecret,0,0,0\n",
            Code.INVALID_ROW,
            "line 2:",
            id="nobody has voted",
        ),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_never_quoted(
    tmp_path: Path, name: str, content: str, code: Code, words: str
) -> None:
    with raises_code(SettingError, code) as caught:
        read_labelled(written(tmp_path, name, content))

    assert re.search(words, str(caught.value))
    assert "secret" not in str(caught.value)


def test_a_label_that_is_not_among_the_given_ones_is_named_by_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "text,label\nx,0\ny,2\n")

    with raises_code(SettingError, Code.INVALID_ROW) as caught:
        read_labelled(file, ["no", "yes"])
    assert re.search("line 3: .*'2'.* no, yes, .* 0", str(caught.value))


def test_a_repr_shows_no_text(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\nsecret,0\nwords,1\n"))

    assert "secret" not in repr(data)


def test_a_label_that_is_refused_is_shown_but_for_its_end(tmp_path: Path) -> None:
    refused = refusal(tmp_path, f"text,label\nx,{'long ' * 30}\n", ["bad", "meh"])

    assert refused.code is Code.INVALID_ROW
    assert f"'{'long ' * 8}…'" in refused.sentence


@pytest.mark.parametrize("number", ["0", "6"])
def test_of_labels_that_are_numbers_another_number_is_none(tmp_path: Path, number: str) -> None:
    file = written(tmp_path, "a.csv", f"text,label\nx,1\ny,{number}\n")

    with raises_code(SettingError, Code.INVALID_ROW) as caught:
        read_labelled(file, ["1", "2", "3", "4", "5"])
    assert re.search(f"line 3: .*'{number}'.* 1, 2, 3, 4, 5$", str(caught.value))


def test_numbers_of_labels_that_nobody_numbered_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "text,label\nx,bad\ny,0\n")

    assert read_labelled(file, ["bad", "good"]).truth.tolist() == [0, 0]
    with raises_code(SettingError, Code.INVALID_ROW) as caught:
        read_labelled(file, ["bad", "good"], numbered=False)
    assert re.search(r"line 3: .*'0'.* bad, good$", str(caught.value))


def test_a_label_with_a_fraction_is_one_in_json_as_in_csv(tmp_path: Path) -> None:
    lines = written(tmp_path, "a.jsonl", '{"text": "x", "label": 1.5}\n{"text": "y", "label": 2}\n')
    table = written(tmp_path, "a.csv", "text,label\nx,1.5\ny,2\n")

    assert read_labelled(lines).labels == read_labelled(table).labels == ("1.5", "2")

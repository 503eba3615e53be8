"""A row that cannot be read is named by its line, and never quoted."""

import re
from pathlib import Path

import pytest
from error_codes import raises_code
from unit.datasets.labelled_files import refusal, written

from worker.datasets.labelled import read_labelled
from worker.errors import Code, SettingError

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

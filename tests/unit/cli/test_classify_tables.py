"""``classify`` of tables: columns are kept, rows are told apart, and a bad row costs no other."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from command_line import Ran

from worker.errors import Code

pytestmark = pytest.mark.usefixtures("loaded_once")

Classify = Callable[..., Ran]


def test_a_csv_file_keeps_its_columns_and_gains_ours(classify: Classify) -> None:
    ran = classify('id,text\n1,"Great,\nreally"\n2,\n3,Awful\n4\n', "--format", "csv", name="reviews.csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [(row["id"], row["text"], row["sentiment"]) for row in rows] == [
        ("1", "Great,\nreally", "positive"),
        ("3", "Awful", "negative"),
    ]
    assert ran.code == 1
    assert [line.split(":")[0] for line in ran.err.splitlines()[:2]] == ["line 4", "line 6"]


def test_a_csv_row_says_whether_its_text_was_cut(classify: Classify) -> None:
    ran = classify(f"text\n{'great ' * 2_000}\nAwful\n", "--format", "csv", name="reviews.csv")
    assert [row["truncated"] for row in csv.DictReader(io.StringIO(ran.out))] == ["true", "false"]


def test_a_csv_column_can_be_chosen_and_our_names_do_not_hide_its_own(classify: Classify) -> None:
    ran = classify(
        "sentiment,a/b\nold,Great\n", "--as", "csv", "--text-column", "a/b", "--format", "csv", name="reviews"
    )
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert (row["sentiment"], row["a/b"], row["sentiment_of_text"]) == ("old", "Great", "positive")


def test_a_spreadsheets_blank_columns_stay_where_they_are(classify: Classify) -> None:
    ran = classify("text,id,,\nGreat,1,,\nAwful,2\n", "--format", "csv", name="a.csv")
    assert [line.split(",")[:5] for line in ran.lines] == [
        ["text", "id", "", "", "sentiment"],
        ["Great", "1", "", "", "positive"],
        ["Awful", "2", "", "", "negative"],
    ]


def test_a_table_that_was_classified_can_be_again_and_again(classify: Classify) -> None:
    table = "text\nGreat\n"
    for _ in range(3):
        table = classify(table, "--format", "csv", name="a.csv").out
    header, row = csv.reader(io.StringIO(table))
    assert len(set(header)) == len(header) == len(row) == 16
    assert header[-1] == "truncated_of_text_of_text"


def test_the_texts_come_from_one_column(classify: Classify) -> None:
    ran = classify("text,id,text\na,1,b\n", name="a.csv")
    assert (ran.code, ran.error) == (2, Code.DUPLICATE_COLUMN)
    assert "'text'" in ran.err


def test_the_first_row_of_a_table_without_header_is_not_shown(classify: Classify) -> None:
    text = "I told nobody that my neighbour drinks every night"
    ran = classify(f"1,{text}\n2,Great\n", name="a.csv")
    assert (ran.code, ran.error) == (2, Code.COLUMN_NOT_FOUND)
    assert "'text'" in ran.err
    assert "neighbour" not in ran.err


def test_a_csv_cell_may_be_as_long_as_a_text(classify: Classify) -> None:
    ran = classify(f"text\n{'great ' * 30_000}\nAwful\n", "--format", "jsonl", name="reviews.csv")
    assert "line 2: the text has 180000 UTF-8 bytes, more than max_text_bytes" in ran.err
    assert "negative" in ran.out


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_csv_row_with_more_cells_than_the_header_is_a_bad_line(classify: Classify, form: str) -> None:
    ran = classify('id,text,stars\n5,"Great",5\n6,bad, really awful,1\n\n7,Awful,1\n', "--format", form, name="a.csv")
    assert ran.code == 1
    assert len([line for line in ran.lines if "Great" in line or "Awful" in line]) == 2
    assert "really" not in ran.out + ran.err
    assert ran.err.splitlines()[0] == ("line 3: more cells than the header has; put a text with a comma in quotes")


def test_blank_cells_behind_the_header_are_no_fault(classify: Classify) -> None:
    ran = classify("id,text\n1,Great,,\n2,Awful, \n", "--format", "csv", name="a.csv")
    assert (ran.code, [line.split(",")[1] for line in ran.lines]) == (0, ["text", "Great", "Awful"])


def test_a_bad_csv_row_has_no_embedding(classify: Classify) -> None:
    ran = classify("id,text\n1,Great\n2,bad, awful\n3,\n4,Awful\n", "--embed", name="a.csv")
    assert ran.code == 1
    assert [json.loads(line)["text"] for line in ran.lines] == ["Great", "Awful"]
    assert [line.split(":")[0] for line in ran.err.splitlines()[:2]] == ["line 3", "line 4"]
    assert "2 of the inputs" in ran.err


def test_a_quote_that_is_never_closed_is_a_bad_line_and_not_a_text(classify: Classify) -> None:
    ran = classify('id,text\n1,Great\n2,"Awful\n3,Bad\n', name="a.csv")
    assert ran.code == 1
    assert [json.loads(line)["text"] for line in ran.lines] == ["Great"]
    assert "line 3: not CSV" in ran.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", "id;text\n1;Great, really\n", id="semicolons"),
        pytest.param("a.csv", 'id;"text";"a, b"\n1;Great, really;0,5\n', id="semicolons, a comma in the header"),
        pytest.param("a.csv", "id\ttext\n1\tGreat, really\n", id="tabs in a .csv"),
        pytest.param("a.tsv", "id\ttext\n1\tGreat, really\n", id="a .tsv"),
        pytest.param("a.TSV", "text\nGreat, really\n", id="a .TSV of one column"),
    ],
)
def test_the_cells_of_a_table_are_told_apart_by_its_name_and_header(
    classify: Classify, name: str, content: str
) -> None:
    ran = classify(content, name=name)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["text"] == "Great, really"


def test_a_table_without_rows_gives_one_without_rows(classify: Classify) -> None:
    ran = classify("id,label,text\n", "--format", "csv", name="a.csv")
    assert (ran.code, ran.out) == (0, "id,label,text,sentiment,polarity,label_of_text,score,truncated\n")


def test_a_csv_row_that_is_not_utf8_is_a_bad_line(classify: Classify) -> None:
    ran = classify(b"text\ncaf\xe9\nGreat\n", name="reviews.csv")
    assert ran.code == 1
    assert [json.loads(line)["text"] for line in ran.lines] == ["Great"]
    assert "line 2" in ran.err
    assert "UTF-8" in ran.err


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [
        pytest.param("id,body\n1,x\n", ["--as", "csv"], Code.COLUMN_NOT_FOUND, id="no-such-column"),
        pytest.param("", ["--as", "csv"], Code.FILE_EMPTY, id="no-header"),
    ],
)
def test_a_csv_file_without_texts_is_refused(
    classify: Classify, content: str, arguments: list[str], code: Code
) -> None:
    ran = classify(content, *arguments)
    assert (ran.code, ran.error) == (2, code)

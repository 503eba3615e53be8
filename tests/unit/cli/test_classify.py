"""``classify`` with the bundled classifier: answers in the order of the input, and no good line lost to a bad one."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from command_line import Ran, Run

import worker.classifier
from worker.classifier import Classifier
from worker.classifier.load import load_classifier
from worker.errors import Code
from worker.settings import load_settings

Classify = Callable[..., Ran]


@cache
def _bundled() -> Classifier:
    return load_classifier(load_settings(device="cpu"))


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.classifier, "load_classifier", lambda settings: _bundled(), raising=False)


@pytest.fixture
def classify(run: Run, tmp_path: Path) -> Classify:
    def classify_file(content: str | bytes, *arguments: str, name: str = "input") -> Ran:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return run("classify", "--file", str(file), *arguments)

    return classify_file


def test_texts_of_the_command_line_get_their_sentiment(run: Run) -> None:
    ran = run("classify", "I love this, it is wonderful", "Awful, it broke at once")
    assert ran.code == 0
    assert [json.loads(line)["sentiment"]["sentiment"] for line in ran.lines] == ["positive", "negative"]


def test_json_lines_come_back_enriched_with_their_bytes_kept(classify: Classify) -> None:
    lines = ['{"n": 12345678901234567890, "text": "Great"}', '{"text":"Bad",  "x":1.50}']
    ran = classify("\n".join(lines))
    assert ran.code == 0
    for line, answer in zip(lines, ran.lines, strict=True):
        assert answer.startswith(line[:-1] + ',"sentiment":{')
        assert json.loads(answer)["sentiment"]["model"]["name"] == "bundled"


def test_answers_keep_the_order_of_the_input_whatever_the_lengths(classify: Classify) -> None:
    texts = ["word " * (1 + number * 37 % 90) + str(number) for number in range(300)]
    ran = classify("\n".join(texts), "--max-batch-size", "8")
    assert [json.loads(line)["text"] for line in ran.lines] == texts


def test_a_text_has_the_same_scores_alone_and_among_others(classify: Classify, run: Run) -> None:
    texts = ["Great", "A rather long sentence that says nothing much about anything at all, really.", "Bad"]
    together = [json.loads(line)["sentiment"]["scores"] for line in classify("\n".join(texts)).lines]
    for text, scores in zip(texts, together, strict=True):
        alone = json.loads(run("classify", text).out)["sentiment"]["scores"]
        assert alone == pytest.approx(scores, abs=0.02)


def test_bad_lines_are_named_with_their_reason_and_the_good_ones_answered(classify: Classify) -> None:
    ran = classify(b'{"text":"Great"}\nbroken\n\n{"text":5}\n{"title":"x"}\n{"text":"Bad"}\n')
    assert ran.code == 1
    assert [json.loads(line)["text"] for line in ran.lines] == ["Great", "Bad"]
    reported = [line.split(":")[0] for line in ran.err.splitlines() if line.startswith("line")]
    assert reported == ["line 2", "line 4", "line 5"]
    assert "3 of the inputs" in ran.err


def test_a_report_of_a_bad_line_does_not_quote_it(classify: Classify) -> None:
    ran = classify(b'{"text":"Great"}\nprivate words\n')
    assert ran.code == 1
    assert "private" not in ran.err


def test_an_empty_file_is_no_error(classify: Classify) -> None:
    ran = classify("")
    assert (ran.code, ran.out) == (0, "")


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


def test_a_json_field_can_be_chosen_by_the_same_flag(classify: Classify) -> None:
    ran = classify('{"text": "Great", "a/b": "Awful"}\n', "--text-column", "a/b", "--format", "csv")
    assert ran.out.splitlines()[1].startswith("Awful,negative")


def test_plain_texts_have_no_columns_to_choose(classify: Classify, run: Run) -> None:
    for ran in (classify("Great\n", "--text-column", "title"), run("classify", "Great", "--text-column", "title")):
        assert (ran.code, ran.out, ran.error) == (2, "", Code.CONFLICTING_FLAGS)
        assert "--text-column" in ran.err


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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv.gz", "id,text\n1,Great\n", id="a table"),
        pytest.param("a.jsonl.gz", '{"text": "Great"}\n', id="JSON lines"),
        pytest.param("a.txt.gz", "Great\n", id="texts"),
    ],
)
def test_a_packed_file_is_unpacked_and_told_by_the_name_within(classify: Classify, name: str, content: str) -> None:
    ran = classify(gzip.compress(content.encode()), name=name)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["text"] == "Great"


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"text\nGreat\n", id="never packed"), pytest.param(gzip.compress(b"Great" * 99)[:-9], id="cut off")],
)
def test_a_file_that_cannot_be_unpacked_is_one_sentence(classify: Classify, content: bytes) -> None:
    ran = classify(content, name="a.txt.gz")
    assert (ran.code, ran.error) == (2, Code.FILE_DAMAGED)
    assert "a.txt.gz" in ran.err


def test_a_spreadsheet_is_told_by_its_name(classify: Classify) -> None:
    ran = classify(b"PK\x03\x04\n\xff", name="reviews.xlsx")
    assert (ran.code, ran.error) == (2, Code.FILE_FORMAT_UNSUPPORTED)
    assert "reviews.xlsx is a spreadsheet" in ran.err


def test_a_table_without_rows_gives_one_without_rows(classify: Classify) -> None:
    ran = classify("id,label,text\n", "--format", "csv", name="a.csv")
    assert (ran.code, ran.out) == (0, "id,label,text,sentiment,polarity,label_of_text,score,truncated\n")


@pytest.mark.parametrize("name", ["a.json", "a"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param('[{"text": "Great"}, {"text": "Bad"}]\n', id="on one line"),
        pytest.param('[\n  {"text": "Great"}\n]\n', id="indented"),
        pytest.param('[{"text": "Great"},\n{"text": "Bad"}]\n', id="an object a line"),
    ],
)
def test_of_an_array_it_is_said_that_json_lines_are_meant(classify: Classify, name: str, content: str) -> None:
    ran = classify(content, name=name)
    assert (ran.code, ran.error) == (2, Code.FILE_FORMAT_UNSUPPORTED)
    assert "one object per line" in ran.err


def test_an_array_among_objects_is_a_bad_line(classify: Classify) -> None:
    ran = classify('[{"text": "Bad"}]\n{"text": "Great"}\n', name="a.jsonl")
    assert ran.code == 1
    assert [json.loads(line)["text"] for line in ran.lines] == ["Great"]


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


@pytest.mark.parametrize(
    ("content", "name", "text"),
    [
        pytest.param('{"text": "a"}\n', "input", "a", id="json-by-its-first-line"),
        pytest.param("{ not json\n", "input", "{ not json", id="text-that-starts-like-json"),
        pytest.param("\n\n  \nlate\n", "input", "late", id="text-after-blank-lines"),
        pytest.param('\ufeff{"text": "a"}\n', "input", "a", id="byte-order-mark"),
        pytest.param('{"text": "a"}\n', "input.txt", "a", id="unknown-suffix"),
        pytest.param("\ufefftext\na\n", "input.csv", "a", id="csv-by-its-name"),
    ],
)
def test_the_shape_of_a_file_is_told_by_name_or_first_line(
    classify: Classify, content: str, name: str, text: str
) -> None:
    assert json.loads(classify(content, name=name).out)["text"] == text


def test_a_broken_first_line_of_a_jsonl_file_is_a_bad_line_not_a_text(classify: Classify) -> None:
    ran = classify('broken\n{"text": "a"}\n', name="events.jsonl")
    assert ran.code == 1
    assert len(ran.lines) == 1


def test_the_table_has_a_line_for_each_text(classify: Classify) -> None:
    ran = classify("Great\nAwful\n", "--format", "table")
    assert [line.split()[1] for line in ran.lines] == ["sentiment", "positive", "negative"]


def test_verdicts_alone_are_given_where_the_settings_say_so(classify: Classify) -> None:
    answer = json.loads(classify('{"id":"e-1","text":"Great"}', "--output-mode", "verdict").out)
    assert "text" not in answer

"""``classify`` with the bundled classifier: answers in the order of the input, and no good line lost to a bad one."""

import gzip
import json
from collections.abc import Callable

import pytest
from command_line import Ran, Run

from worker.errors import Code

Classify = Callable[..., Ran]
pytestmark = pytest.mark.usefixtures("loaded_once")


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


def test_a_json_field_can_be_chosen_by_the_same_flag(classify: Classify) -> None:
    ran = classify('{"text": "Great", "a/b": "Awful"}\n', "--text-column", "a/b", "--format", "csv")
    assert ran.out.splitlines()[1].startswith("Awful,negative")


def test_plain_texts_have_no_columns_to_choose(classify: Classify, run: Run) -> None:
    for ran in (classify("Great\n", "--text-column", "title"), run("classify", "Great", "--text-column", "title")):
        assert (ran.code, ran.out, ran.error) == (2, "", Code.CONFLICTING_FLAGS)
        assert "--text-column" in ran.err


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

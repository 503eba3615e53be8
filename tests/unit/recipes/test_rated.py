"""Rated sentences: what is read, what is refused, and that they stay apart."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from recipes.bundled.rated import RatedText, examples_of, join, packaged, read_rated

ROW = {"id": "a/1", "domain": "tweet", "text": "so good", "rating": 2.5, "negative": 0.0}


def test_plain_and_compressed_files_read_the_same(tmp_path: Path) -> None:
    line = json.dumps(ROW) + "\n\n"
    (tmp_path / "rows.jsonl").write_text(line, encoding="utf-8")
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write(line)
    expected = [RatedText("a/1", "tweet", "so good", 2.5)]
    assert read_rated(tmp_path / "rows.jsonl") == expected
    assert read_rated(tmp_path / "rows.jsonl.gz") == expected


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{", id="no json"),
        pytest.param('{"id": 1}', id="no text"),
        pytest.param(json.dumps({**ROW, "rating": "high"}), id="rating is a word"),
        pytest.param(json.dumps({**ROW, "text": 3}), id="text is a number"),
        pytest.param('[1, "a"]', id="a list"),
        pytest.param(json.dumps({**ROW, "rating": float("nan")}), id="rating is NaN"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        read_rated(path)


def test_join_keeps_rows_together() -> None:
    first = examples_of([RatedText("1", "d", "good", 2.0)])
    second = examples_of([RatedText("2", "d", "bad", -2.0), RatedText("3", "d", "so so", 0.0)])
    both = join([first, second])
    assert both.texts == ("good", "bad", "so so")
    assert both.ratings.tolist() == [2.0, -2.0, 0.0]
    assert both.targets.argmax(axis=1).tolist() == [2, 0, 1]


def test_no_text_in_a_repr() -> None:
    row = RatedText("1", "d", "my secret", 1.0)
    assert "secret" not in repr(row)
    assert "secret" not in repr(examples_of([row]))


def test_the_packaged_splits_are_whole_and_share_no_sentence() -> None:
    train, dev = read_rated(packaged("train")), read_rated(packaged("dev"))
    assert (len(train), len(dev)) == (18_735, 2_473)
    assert not {row.id for row in train} & {row.id for row in dev}
    assert not {row.text for row in train} & {row.text for row in dev}

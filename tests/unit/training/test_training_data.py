"""Rated sentences: what is read, what is refused, and which targets a rating makes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from worker.training.data import (
    Examples,
    RatedText,
    examples_of,
    hard_labels,
    join,
    packaged,
    read_rated,
    soft_targets,
)

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


def test_soft_targets_are_distributions_that_follow_the_rating() -> None:
    targets = soft_targets([-3.0, -0.5, 0.0, 0.5, 0.8, 3.0])
    assert targets.shape == (6, 3)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, atol=1e-6)
    assert targets[0, 0] > 0.999
    assert targets[1, 0] == pytest.approx(0.5, abs=1e-3)
    assert targets[2].argmax() == 1
    assert targets[3, 2] == pytest.approx(0.5, abs=1e-3)
    # One standard error above the border: the mass of a normal distribution below +1 sigma.
    assert targets[4, 2] == pytest.approx(0.8413, abs=1e-3)


def test_labels_on_the_borders_are_neutral() -> None:
    assert hard_labels([-0.51, -0.5, 0.0, 0.5, 0.51]).tolist() == [0, 1, 1, 1, 2]


def test_columns_of_different_lengths_are_refused() -> None:
    one = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="different lengths"):
        Examples(("a", "b"), np.ones((2, 3), np.float32), one, one)


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

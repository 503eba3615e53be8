"""The mixture a student trains on: whose label counts for what, and labels that survive an interruption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker.training import distil
from worker.training.data import RatedText
from worker.training.distil import (
    Corpus,
    generated_examples,
    label,
    mixture,
    plain_words,
    rated_examples,
    taught,
    typo_examples,
)
from worker.training.generate import Generated

SURE_POSITIVE = np.array([[-9.0, 0.0, 9.0, 1.0]], np.float32)


def test_taught_rows_carry_calibrated_scores_and_rating_points() -> None:
    rows = taught(["a"], np.array([[0.0, 0.0, 2.0, 1.5]], np.float32), temperature=2.0)
    expected = np.exp([0.0, 0.0, 1.0]) / np.exp([0.0, 0.0, 1.0]).sum()
    np.testing.assert_allclose(rows.targets[0], expected, rtol=1e-5)
    assert rows.ratings[0] == pytest.approx(3.0)


@pytest.mark.parametrize(("capability", "sure"), [("negation at a distance", True), ("slang", False)])
def test_construction_overrules_the_teacher_where_it_is_certain(capability: str, sure: bool) -> None:
    text = Generated("I would not, all told, call it good.", capability, -2.0)
    rows = generated_examples([text], SURE_POSITIVE, temperature=1.0)
    assert bool(rows.targets[0, 0] > 0.8) is sure
    assert rows.targets[0].sum() == pytest.approx(1.0, abs=1e-5)


def test_typing_errors_keep_the_rating() -> None:
    rated = [RatedText(str(i), "d", f"rather wonderful evening number {i}", i / 10) for i in range(20)]
    rows = typo_examples(rated, 20, seed=1)
    assert sorted(rows.ratings.tolist()) == pytest.approx([i / 10 for i in range(20)])
    assert not set(rows.texts) & {row.text for row in rated}


def test_mixture_blends_panel_and_teacher_on_rated_sentences() -> None:
    rated = [RatedText("1", "d", "a truly dull evening", -3.0)]
    corpus = Corpus(("good",), ("so good",), (Generated("not good", "negation", -1.6),))
    logits = {"words": SURE_POSITIVE, "generated": SURE_POSITIVE, "changed": SURE_POSITIVE, "train": SURE_POSITIVE}
    rows = mixture(rated, corpus, logits, 1.0)
    assert rows.texts[:4] == ("a truly dull evening", "good", "not good", "so good")
    np.testing.assert_allclose(rows.targets[0], [0.5, 0.0, 0.5], atol=1e-3)
    by_panel = rated_examples(rated, SURE_POSITIVE, 1.0, panel=1.0)
    assert by_panel.targets[0, 0] > 0.99


def test_labels_are_kept_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def logits_of(_model: Any, _tokenizer: Any, texts: list[str]) -> Any:
        calls.append(list(texts))
        if "stop" in texts:
            raise KeyboardInterrupt
        return np.array([[len(text)] * 4 for text in texts], np.float32)

    monkeypatch.setattr(distil, "logits_of", logits_of)
    with pytest.raises(KeyboardInterrupt):
        label(None, None, ["a", "bb", "stop", "dddd", "eeeee"], tmp_path, chunk=2)
    calls.clear()
    found = label(None, None, ["a", "bb", "ccc", "dddd", "eeeee"], tmp_path, chunk=2)
    assert calls == [["ccc", "dddd"], ["eeeee"]]
    assert found[:, 0].tolist() == [1, 2, 3, 4, 5]


def test_words_are_whole_and_in_the_vocabularys_order() -> None:
    vocabulary = {"[CLS]": 0, "##ing": 3, "zeal": 2, "of": 1, "dull": 4, "naïve": 5, "1990": 6}
    assert plain_words(vocabulary) == ["zeal", "dull"]


def test_no_text_in_a_repr() -> None:
    assert "secret" not in repr(Corpus(("secret",), (), ()))

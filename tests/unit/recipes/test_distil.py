"""The mixture a student trains on: whose label counts for what, and labels that survive an interruption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recipes.bundled import distil
from recipes.bundled.corpus import Corpus, build_corpus, plain_words
from recipes.bundled.distil import generated_examples, label, mixture, rated_examples, taught, typo_examples
from recipes.bundled.features import LogitsAndFeatures
from recipes.bundled.generate import Generated
from recipes.bundled.rated import RatedText


def outputs(*logits: list[float], features: float = 0.5) -> LogitsAndFeatures:
    return LogitsAndFeatures(np.array(logits, np.float32), np.full((len(logits), 2, 3), features, np.float16))


SURE_POSITIVE = outputs([-9.0, 0.0, 9.0, 1.0])


def test_taught_rows_carry_calibrated_scores_and_rating_points() -> None:
    rows = taught(["a"], outputs([0.0, 0.0, 2.0, 1.5]), temperature=2.0)
    expected = np.exp([0.0, 0.0, 1.0]) / np.exp([0.0, 0.0, 1.0]).sum()
    np.testing.assert_allclose(rows.targets[0], expected, rtol=1e-5)
    assert rows.ratings[0] == pytest.approx(3.0)


@pytest.mark.parametrize(("capability", "sure"), [("negation at a distance", True), ("slang", False)])
def test_construction_overrules_the_teacher_where_it_is_certain(capability: str, sure: bool) -> None:
    text = Generated("I would not, all told, call it good.", capability, -2.0)
    rows = generated_examples([text], SURE_POSITIVE, temperature=1.0)
    assert bool(rows.targets[0, 0] > 0.8) is sure
    assert rows.targets[0].sum() == pytest.approx(1.0, abs=1e-5)


def test_typing_errors_change_the_text_alone() -> None:
    rated = [RatedText(str(i), "d", f"rather wonderful evening number {i}", i / 10) for i in range(20)]
    given = outputs(*[[0.0, 0.0, 0.0, i / 20] for i in range(20)])
    given.features[:] = np.arange(20)[:, None, None]
    examples = rated_examples(rated, given, 1.0)
    rows = typo_examples(examples, 20, seed=1)
    assert not set(rows.texts) & set(examples.texts)
    assert rows.features is not None
    for text, rating, features in zip(rows.texts, rows.ratings, rows.features, strict=True):
        assert rating == pytest.approx(float(features[0, 0]) / 10, abs=1e-5), text
    assert sorted(rows.ratings.tolist()) == pytest.approx([i / 10 for i in range(20)], abs=1e-5)


def test_mixture_blends_panel_and_teacher_on_rated_sentences() -> None:
    rated = [RatedText("1", "d", "a truly dull evening", -3.0)]
    corpus = Corpus(("good",), ("so good",), (Generated("not good", "negation", -1.6),), ("A good film.",))
    said = dict.fromkeys([*corpus.parts(), "train"], SURE_POSITIVE)
    rows = mixture(rated, corpus, said, 1.0)
    assert rows.texts[:6] == ("a truly dull evening",) * 2 + ("good", "not good", "so good", "A good film.")
    np.testing.assert_allclose(rows.targets[:2], [[0.5, 0.0, 0.5]] * 2, atol=1e-3)
    assert rows.features is not None
    # A text whose label is its construction's says nothing of what the teacher makes of it.
    assert np.isnan(rows.features[:, 0, 0])[:7].tolist() == [False] * 3 + [True] + [False] * 3


def test_labels_are_kept_chunk_by_chunk_and_are_those_of_their_texts_and_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def logits_and_features(_model: Any, _tokenizer: Any, texts: list[str]) -> LogitsAndFeatures:
        calls.append(list(texts))
        if "stop" in texts:
            raise KeyboardInterrupt
        return outputs(*[[float(len(text))] * 4 for text in texts])

    def labelled(texts: list[str], teacher_digest: str = "1") -> list[int]:
        calls.clear()
        found = label(None, None, texts, tmp_path, teacher_digest=teacher_digest, chunk=2)
        assert found.features.shape == (len(texts), 2, 3)
        return [int(length) for length in found.logits[:, 0]]

    monkeypatch.setattr(distil, "logits_and_features", logits_and_features)
    with pytest.raises(KeyboardInterrupt):
        labelled(["a", "bb", "stop", "dddd", "eeeee"])
    assert labelled(["a", "bb", "ccc", "dddd", "eeeee"]) == [1, 2, 3, 4, 5]
    assert calls == [["ccc", "dddd"], ["eeeee"]]
    assert labelled(["other", "texts", "ccc", "dddd"]) == [5, 5, 3, 4]
    assert calls == [["other", "texts"]]
    assert labelled(["ccc", "dddd"], teacher_digest="2") == [3, 4]
    assert calls == [["ccc", "dddd"]]


def test_words_are_whole_and_in_the_vocabularys_order() -> None:
    vocabulary = {"[CLS]": 0, "##ing": 3, "zeal": 2, "of": 1, "dull": 4, "naïve": 5, "1990": 6}
    assert plain_words(vocabulary) == ["zeal", "dull"]


def test_a_word_is_changed_into_one_that_no_rated_text_has() -> None:
    vocabulary = {word: i for i, word in enumerate(["dull", "tepid", "bright", "sunny", "evening", "morning"])}
    vectors = np.array([[5, 0, 0], [5, 1, 0], [-5, 0, 0], [-5, 1, 0], [0, 0, 5], [0, 1, 5]], np.float32)
    rows = [RatedText(str(i), "d", f"dull evening, bright number {i} and dull again", 0.0) for i in range(300)]
    reviews = [rows[0].text, "A rated text of dev.", "An unrated text of a film."]
    corpus = build_corpus(rows, reviews, ["a rated text of dev."], vocabulary, np.tile(vectors, (1, 2)), seed=1)
    assert any("tepid" in text for text in corpus.changed)
    assert len(set(corpus.changed)) == len(corpus.changed)
    assert corpus.reviews == ("An unrated text of a film.",)


def test_no_text_in_a_repr() -> None:
    assert "secret" not in repr(Corpus(("secret",), (), (), ("secret",)))

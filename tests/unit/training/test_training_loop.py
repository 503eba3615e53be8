"""The loop on a classifier of a few thousand parameters: it learns, resumes, stops, and refuses what is not finite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from worker.training.data import RatedText, examples_of
from worker.training.loop import (
    Interrupted,
    LoopSettings,
    Progress,
    fit,
    loss_of,
    parameter_groups,
)
from worker.training.schedule import learning_rate_factor, shuffled_batches
from worker.training.scoring import by_length, logits_of, pad

WORDS = ["[PAD]", "[UNK]", "good", "bad", "plain", "very", "a", "b", "c"]
MOODS = {"good": 2.0, "bad": -2.0, "plain": 0.0}


def make_model(outputs: int = 4, seed: int = 1) -> Any:
    torch.manual_seed(seed)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=32, num_labels=outputs, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    )  # fmt: skip


def make_tokenizer() -> Any:
    inner = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]")


def rows(count: int) -> list[RatedText]:
    rng = np.random.default_rng(0)
    texts = []
    for i in range(count):
        mood = list(MOODS)[i % 3]
        others = rng.choice(["very", "a", "b", "c"], size=int(rng.integers(1, 5)))
        texts.append(RatedText(str(i), "d", " ".join([mood, *others]), MOODS[mood]))
    return texts


TRAIN = examples_of(rows(192))
DEV = tuple(row.text for row in rows(24))
TRUTH = np.array([2, 0, 1] * 8)
SETTINGS = LoopSettings(epochs=6, batch_size=16, learning_rate=3e-2, warmup_steps=5, patience=99)


def accuracy(logits: Any) -> float:
    return float((logits[:, :3].argmax(axis=1) == TRUTH).mean())


def test_it_learns_a_rule_and_the_rating() -> None:
    model = make_model()
    outcome = fit(model, make_tokenizer(), TRAIN, DEV, accuracy, SETTINGS)
    assert outcome.best_score == 1.0
    logits = logits_of(model, make_tokenizer(), ["very good", "bad a b", "plain c"])
    assert logits[:, :3].argmax(axis=1).tolist() == [2, 0, 1]
    good, bad, plain = logits[:, 3].tolist()
    assert good > plain > bad


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    settings = LoopSettings(
        epochs=2, batch_size=16, learning_rate=1e-3, patience=99, checkpoint_every_seconds=-1.0, accumulate=2
    )
    whole, parted = make_model(), make_model()
    fit(whole, make_tokenizer(), TRAIN, DEV, accuracy, settings)

    def interrupt(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(parted, make_tokenizer(), TRAIN, DEV, accuracy, settings, folder=tmp_path, progress=interrupt)
    fresh = make_model(seed=2)
    seen: list[int] = []
    fit(
        fresh, make_tokenizer(), TRAIN, DEV, accuracy, settings, folder=tmp_path, progress=lambda p: seen.append(p.step)
    )
    assert seen[0] == 6
    for (name, one), other in zip(whole.state_dict().items(), fresh.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)


def test_a_run_with_features_that_is_interrupted_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    features = np.random.default_rng(3).normal(0, 1, (len(TRAIN), 2, 8)).astype(np.float16)
    train = replace(TRAIN, features=features)
    settings = LoopSettings(epochs=1, batch_size=16, learning_rate=1e-3, checkpoint_every_seconds=-1.0)
    whole, fresh, without = make_model(), make_model(seed=2), make_model()
    fit(whole, make_tokenizer(), train, DEV, accuracy, settings)

    with pytest.raises(Interrupted):
        fit(make_model(), make_tokenizer(), train, DEV, accuracy, settings, folder=tmp_path, stop=lambda: True)
    fit(fresh, make_tokenizer(), train, DEV, accuracy, settings, folder=tmp_path)
    torch.testing.assert_close(fresh.state_dict(), whole.state_dict())

    fit(without, make_tokenizer(), TRAIN, DEV, accuracy, settings)
    assert not torch.equal(without.bert.pooler.dense.weight, whole.bert.pooler.dense.weight)


def test_it_stops_early_and_keeps_the_best_weights() -> None:
    model = make_model()
    scores = iter([0.5, 0.9, 0.1, 0.1, 0.1, 0.1])
    kept: list[float] = []
    weights: list[torch.Tensor] = []

    def on_best(best: Any, score: float) -> None:
        kept.append(score)
        weights.append(best.classifier.weight.detach().clone())

    settings = LoopSettings(epochs=6, batch_size=16, learning_rate=1e-3, patience=2)
    outcome = fit(model, make_tokenizer(), TRAIN, DEV, lambda _: next(scores), settings, on_best=on_best)
    assert outcome.stopped_early
    assert outcome.best_score == 0.9
    assert outcome.steps == 4 * 12
    assert kept == [0.5, 0.9]
    torch.testing.assert_close(model.classifier.weight, weights[-1])


def test_of_equal_dev_scores_the_one_with_the_smallest_loss_is_kept() -> None:
    model = make_model()
    losses = iter([0.5, 0.3, 0.2, 0.4, 0.2, 0.1])
    settings = LoopSettings(epochs=6, batch_size=16, learning_rate=1e-3, patience=2)
    outcome = fit(model, make_tokenizer(), TRAIN, DEV, lambda _: 1.0, settings, dev_loss=lambda _: next(losses))

    assert outcome.best_step == 3 * 12
    assert (outcome.steps, outcome.stopped_early) == (5 * 12, True)


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    model = make_model()
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="learning_rate"):
        fit(model, make_tokenizer(), TRAIN, DEV, accuracy, SETTINGS)


def test_loss_is_cross_entropy_by_weight_plus_the_rating() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 5.0]])
    targets = torch.tensor([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    ratings = torch.tensor([4.0, float("nan")])
    even = loss_of(logits, targets, ratings, torch.ones(2), rating_weight=0.5)
    # ln 3 for both rows; the first rating is 4 points = 2 units, predicted 1; the second is unknown.
    assert float(even) == pytest.approx(np.log(3.0) + 0.25)
    first_only = loss_of(logits, targets, ratings, torch.tensor([1.0, 0.0]), rating_weight=0.5)
    assert float(first_only) == pytest.approx(np.log(3.0) + 0.5)
    plain = loss_of(logits[:, :3], targets, ratings, torch.ones(2), rating_weight=0.5)
    assert float(plain) == pytest.approx(np.log(3.0))


def test_learning_rates_fall_towards_the_embeddings_and_frozen_layers_have_none() -> None:
    settings = LoopSettings(learning_rate=1.0, layer_decay=0.5, weight_decay=0.1)
    groups = parameter_groups(make_model(), settings)
    assert sorted({group["lr"] for group in groups}) == [0.125, 0.25, 0.5, 1.0]
    assert {group["weight_decay"] for group in groups} == {0.0, 0.1}
    model = make_model()
    frozen = parameter_groups(model, LoopSettings(learning_rate=1.0, layer_decay=0.5, frozen_layers=1))
    assert sorted({group["lr"] for group in frozen}) == [0.5, 1.0]
    assert not model.bert.embeddings.word_embeddings.weight.requires_grad
    assert not model.bert.encoder.layer[0].output.dense.weight.requires_grad
    assert model.bert.encoder.layer[1].output.dense.weight.requires_grad


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    factors = [learning_rate_factor(step, 100, 10) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == 1.0
    assert factors.index(1.0) in (9, 10)
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] == 0.0


def test_batches_cover_all_rows_once_and_depend_on_the_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1, 90, size=1000)
    batches = shuffled_batches(lengths, 32, seed=4, epoch=0)
    assert sorted(i for batch in batches for i in batch) == list(range(1000))
    assert batches == shuffled_batches(lengths, 32, seed=4, epoch=0)
    assert batches != shuffled_batches(lengths, 32, seed=4, epoch=1)
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 10


def test_scores_do_not_depend_on_batching() -> None:
    model = make_model()
    texts = ["good", "bad a b c a b", "plain a"] * 5
    one_by_one = np.concatenate([logits_of(model, make_tokenizer(), [text]) for text in texts])
    np.testing.assert_allclose(logits_of(model, make_tokenizer(), texts, budget_tokens=20), one_by_one, atol=2e-2)


def test_batches_by_length_keep_the_budget() -> None:
    token_rows = [[1] * length for length in (3, 30, 1, 7, 7, 2, 50)]
    batches = list(by_length(token_rows, budget_tokens=16))
    assert sorted(i for batch in batches for i in batch) == list(range(7))
    for batch in batches:
        assert len(batch) == 1 or max(len(token_rows[i]) for i in batch) * len(batch) <= 16


def test_equal_lengths_need_no_mask() -> None:
    ids, mask = pad([[1, 2], [3, 4]], 0, torch.device("cpu"))
    assert (ids.tolist(), mask) == ([[1, 2], [3, 4]], None)
    ids, mask = pad([[1, 2], [3]], 9, torch.device("cpu"))
    assert ids.tolist() == [[1, 2], [3, 9]]
    assert mask is not None
    assert mask.tolist() == [[1, 1], [1, 0]]

"""The loop on a classifier of a few thousand parameters: it learns, resumes, stops, and refuses what is not finite."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BartConfig,
    GPT2Config,
    T5Config,
)
from word_model import make_model, make_tokenizer, of_head, ratings_of, some_texts

from worker.datasets.examples import Examples, soft_targets
from worker.training.loop import Interrupted, Progress, fit
from worker.training.loss import Loss
from worker.training.optimizer import levels_of, parameter_groups
from worker.training.schedule import learning_rate_factor, shuffled_batches
from worker.training.scoring import by_length, logits_of, pad
from worker.training.settings import LoopSettings

GPT2_4 = GPT2Config(vocab_size=20, n_positions=16, n_embd=8, n_layer=4, n_head=2, pad_token_id=0, **of_head(3))
T5_2 = T5Config(
    vocab_size=20, d_model=8, d_kv=4, d_ff=16, num_layers=2, num_decoder_layers=2, num_heads=2, **of_head(3)
)
BART_2 = BartConfig(
    vocab_size=20, d_model=8, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
    encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=16, **of_head(3),
)  # fmt: skip


def examples(texts: list[str]) -> Examples:
    return Examples(tuple(texts), soft_targets(ratings_of(texts)), np.ones(len(texts), np.float32))


TRAIN = examples(some_texts(192))
DEV = tuple(some_texts(24))
TRUTH = np.array([2, 0, 1] * 8)
SETTINGS = LoopSettings(epochs=6, batch_size=16, learning_rate=3e-2, warmup_steps=5, patience=99)


def accuracy(logits: Any) -> float:
    return float((logits.argmax(axis=1) == TRUTH).mean())


def test_it_learns_a_rule() -> None:
    model = make_model()
    outcome = fit(model, make_tokenizer(), TRAIN, DEV, accuracy, SETTINGS)
    assert outcome.best_score == 1.0
    logits = logits_of(model, make_tokenizer(), ["good very", "bad a b", "plain c"])
    assert logits.argmax(axis=1).tolist() == [2, 0, 1]


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    settings = LoopSettings(
        epochs=2, batch_size=16, learning_rate=1e-3, patience=99, checkpoint_every_seconds=-1.0, accumulate=2
    )
    whole, parted = make_model(), make_model()
    told: list[Progress] = []
    fit(whole, make_tokenizer(), TRAIN, DEV, accuracy, settings, progress=told.append)

    def interrupt(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(parted, make_tokenizer(), TRAIN, DEV, accuracy, settings, folder=tmp_path, progress=interrupt)
    fresh = make_model(seed=2)
    seen: list[Progress] = []
    fit(fresh, make_tokenizer(), TRAIN, DEV, accuracy, settings, folder=tmp_path, progress=seen.append)
    assert seen == told[5:]
    for (name, one), other in zip(whole.state_dict().items(), fresh.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)


class ScaledLoss(Loss):
    """Learns a factor of the logits, too."""

    def __init__(self, model: Any, identity: str = "scaled") -> None:
        super().__init__(TRAIN.targets)
        self.identity = identity
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, output: Any, mask: torch.Tensor | None, rows: list[int]) -> torch.Tensor:
        return super().forward(SimpleNamespace(logits=output.logits * self.scale), mask, rows)

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": [self.scale], "lr": 1e-2, "weight_decay": 0.0}]


def test_what_a_loss_learns_is_trained_and_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    settings = LoopSettings(epochs=1, batch_size=16, learning_rate=1e-3)
    made: list[ScaledLoss] = []

    def loss(model: Any) -> Loss:
        made.append(ScaledLoss(model))
        return made[-1]

    whole, fresh = make_model(), make_model(seed=2)
    fit(whole, make_tokenizer(), TRAIN, DEV, accuracy, settings, loss=loss)
    with pytest.raises(Interrupted):
        fit(make_model(), make_tokenizer(), TRAIN, DEV, accuracy, settings, loss=loss, folder=tmp_path, stop=always)
    fit(fresh, make_tokenizer(), TRAIN, DEV, accuracy, settings, loss=loss, folder=tmp_path)

    uninterrupted, _, resumed = (each.scale.item() for each in made)
    assert uninterrupted == resumed != 1.0
    torch.testing.assert_close(fresh.state_dict(), whole.state_dict())


def test_a_checkpoint_of_another_loss_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        fit(make_model(), make_tokenizer(), TRAIN, DEV, accuracy, SETTINGS, folder=tmp_path, stop=always)
    with pytest.raises(ValueError, match="other settings"):
        fit(make_model(), make_tokenizer(), TRAIN, DEV, accuracy, SETTINGS, loss=ScaledLoss, folder=tmp_path)


def always() -> bool:
    return True


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


def test_the_loss_is_cross_entropy_of_the_outputs_that_are_labels() -> None:
    targets = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]], np.float32)
    found = Loss(targets)(SimpleNamespace(logits=torch.tensor([[0.0, 0.0, 0.0, 9.0]] * 2)), None, [1, 0])
    assert found.tolist() == pytest.approx([np.log(3.0)] * 2)


def gradients_of(monkeypatch: pytest.MonkeyPatch, train: Examples, **settings: Any) -> list[torch.Tensor]:
    """The head's gradients at each step of one epoch whose steps change nothing."""
    found: list[torch.Tensor] = []
    model = make_model()

    def note(parameters: Any, _norm: float) -> None:
        found.append(model.classifier.weight.grad.detach().clone())

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", note)
    monkeypatch.setattr("worker.training.loop.autocast", lambda _: contextlib.nullcontext())
    still = LoopSettings(epochs=1, learning_rate=0.0, weight_decay=0.0, patience=99, **settings)
    fit(model, make_tokenizer(), train, DEV, accuracy, still)
    return found


@pytest.mark.parametrize(("texts", "steps"), [(32, 1), (33, 2), (48, 2)])
def test_a_step_of_small_batches_is_a_step_of_one_large_batch(
    monkeypatch: pytest.MonkeyPatch, texts: int, steps: int
) -> None:
    train = examples(some_texts(texts))
    parted = gradients_of(monkeypatch, train, batch_size=16, accumulate=2)
    whole = gradients_of(monkeypatch, train, batch_size=texts)
    assert len(parted) == steps
    # All texts count the same, wherever they ended up: the steps' gradients, each a sum over 32, make the whole's mean.
    torch.testing.assert_close(sum(parted) * 32 / texts, whole[0], rtol=1e-4, atol=1e-6)


def test_a_text_counts_by_its_weight_among_texts_of_the_same_weight_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_weights(light: float) -> list[torch.Tensor]:
        # Long texts, which are batched together, and short ones.
        train = examples([*["good " * 20] * 16, *["bad"] * 16])
        weights = np.repeat(np.array([1.0, light], np.float32), 16)
        return gradients_of(monkeypatch, replace(train, weights=weights / weights.mean()), batch_size=16)

    even, uneven = with_weights(1.0), with_weights(0.25)
    ratios = sorted(float((b.norm() / a.norm()).item()) for a, b in zip(even, uneven, strict=True))
    assert ratios == pytest.approx([0.4, 1.6], rel=1e-3)


def test_learning_rates_fall_towards_the_embeddings_and_parameters_without_a_gradient_have_none() -> None:
    settings = LoopSettings(learning_rate=1.0, layer_decay=0.5, weight_decay=0.1)
    groups = parameter_groups(make_model(), settings)
    assert sorted({group["lr"] for group in groups}) == [0.125, 0.25, 0.5, 1.0]
    assert {group["weight_decay"] for group in groups} == {0.0, 0.1}
    model = make_model()
    for name, level in levels_of(model).items():
        model.get_parameter(name).requires_grad_(level > 1)
    frozen = parameter_groups(model, LoopSettings(learning_rate=1.0, layer_decay=0.5))
    assert sorted({group["lr"] for group in frozen}) == [0.5, 1.0]


@pytest.mark.parametrize("config", [GPT2_4, T5_2, BART_2], ids=lambda config: config.model_type)
def test_layers_are_found_whatever_an_architecture_calls_them(config: Any) -> None:
    model = AutoModelForSequenceClassification.from_config(config)
    groups = parameter_groups(model, LoopSettings(learning_rate=1.0, layer_decay=0.5))
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert len(rates) == len(list(model.parameters()))
    assert sorted(set(rates.values())) == [0.5**level for level in range(5, -1, -1)]  # embeddings, four layers, head
    assert rates[id(model.get_input_embeddings().weight)] == 0.5**5
    head = [*model.modules()][-1]
    assert rates[id(head.weight)] == 1.0


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


def test_scores_do_not_depend_on_batching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.training.scoring.autocast", lambda _: contextlib.nullcontext())
    model = make_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.5)  # as it is made, it says nearly the same of every text
    texts = ["good", "bad a b c a b", "plain a"] * 5
    one_by_one = np.concatenate([logits_of(model, make_tokenizer(), [text]) for text in texts])
    assert np.abs(one_by_one[0] - one_by_one[1]).max() > 0.1
    np.testing.assert_allclose(logits_of(model, make_tokenizer(), texts, budget_tokens=20), one_by_one, atol=1e-5)


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

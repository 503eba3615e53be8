"""The loss of teacher and student: classes, ratings and features, with which the loop learns and goes on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from word_model import make_model, make_tokenizer, ratings_of, some_texts

from recipes.bundled.loss import RatingLoss, RecipeSettings, freeze, identity_of
from recipes.bundled.rated import RatedExamples, RatedText, examples_of
from worker.training.loop import Interrupted, fit
from worker.training.scoring import logits_of
from worker.training.settings import LoopSettings


def rated(texts: list[str]) -> RatedExamples:
    return examples_of(
        [RatedText("1", "d", text, rating) for text, rating in zip(texts, ratings_of(texts), strict=True)]
    )


TRAIN = rated(some_texts(192))
DEV = tuple(some_texts(24))


def accuracy(logits: Any) -> float:
    return float((logits[:, :3].argmax(axis=1) == np.array([2, 0, 1] * 8)).mean())


def test_it_learns_the_rating_beside_the_classes() -> None:
    settings = RecipeSettings(LoopSettings(epochs=6, batch_size=16, learning_rate=3e-2, warmup_steps=5, patience=99))
    model = make_model(outputs=4)
    loss = partial(RatingLoss, TRAIN, settings)
    assert fit(model, make_tokenizer(), TRAIN, DEV, accuracy, settings.loop, loss=loss).best_score == 1.0
    good, bad, plain = logits_of(model, make_tokenizer(), ["very good", "bad a b", "plain c"])[:, 3].tolist()
    assert good > plain > bad


def test_the_loss_is_cross_entropy_plus_the_rating() -> None:
    targets = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]], np.float32)
    examples = RatedExamples(("a", "b"), targets, np.ones(2, np.float32), np.array([4.0, np.nan], np.float32))
    loss = RatingLoss(examples, RecipeSettings(LoopSettings(), rating_weight=0.5), None)
    logits = torch.tensor([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 5.0]])
    # ln 3 for both rows; the first rating is 4 points = 2 units, predicted 1; the second is unknown.
    found = loss(SimpleNamespace(logits=logits), None, [0, 1])
    assert found.tolist() == pytest.approx([np.log(3.0) + 0.5, np.log(3.0)])


def test_a_run_with_features_that_is_interrupted_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    features = np.random.default_rng(3).normal(0, 1, (len(TRAIN), 2, 8)).astype(np.float16)
    train = replace(TRAIN, features=features)
    settings = RecipeSettings(LoopSettings(epochs=1, batch_size=16, learning_rate=1e-3, checkpoint_every_seconds=-1.0))

    def run(model: Any, examples: RatedExamples, **more: Any) -> None:
        loss = partial(RatingLoss, examples, settings)
        fit(model, make_tokenizer(), examples, DEV, accuracy, settings.loop, loss=loss, **more)

    whole, fresh, without = (make_model(4, seed) for seed in (1, 2, 1))
    run(whole, train)
    with pytest.raises(Interrupted):
        run(make_model(4), train, folder=tmp_path, stop=lambda: True)
    run(fresh, train, folder=tmp_path)
    torch.testing.assert_close(fresh.state_dict(), whole.state_dict())

    run(without, TRAIN)
    assert not torch.equal(without.bert.pooler.dense.weight, whole.bert.pooler.dense.weight)


def test_the_lowest_layers_stay_as_they_are() -> None:
    model = make_model()
    freeze(model, RecipeSettings(LoopSettings(), frozen_layers=1))
    assert not model.bert.embeddings.word_embeddings.weight.requires_grad
    assert not model.bert.encoder.layer[0].output.dense.weight.requires_grad
    assert model.bert.encoder.layer[1].output.dense.weight.requires_grad
    assert model.classifier.weight.requires_grad


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"rating_weight": 0.7}, id="rating weight"),
        pytest.param({"frozen_layers": 2}, id="frozen layers"),
        pytest.param({"loop": LoopSettings(epochs=9)}, id="loop"),
    ],
)
def test_other_settings_are_another_training(other: dict[str, Any]) -> None:
    settings = RecipeSettings(LoopSettings())
    assert identity_of(TRAIN, settings) != identity_of(TRAIN, replace(settings, **other))


def test_other_ratings_and_features_are_another_training() -> None:
    settings = RecipeSettings(LoopSettings())
    features = np.zeros((len(TRAIN), 2, 8), np.float16)
    others = [TRAIN, replace(TRAIN, ratings=TRAIN.ratings + 1), replace(TRAIN, features=features)]
    assert len({identity_of(examples, settings) for examples in others}) == 3

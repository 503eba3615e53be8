"""The loss of teacher and student: classes, how strong a sentence is, and a teacher's sentence vectors.

Both classifiers have one output more than there are labels. It learns the rating itself (mean squared error, in units
of two rating points): how strong a sentence is says more about it than its class does. `export` cuts that output off.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import torch

from recipes.bundled.features import LEARNING_RATE, FeatureLoss
from recipes.bundled.rated import RatedExamples
from worker.training import checkpoint
from worker.training.loss import Loss
from worker.training.optimizer import levels_of
from worker.training.settings import LoopSettings

#: Rating points in one unit of the rating output, which keeps its size near that of the logits.
RATING_UNIT = 2.0


@dataclass(frozen=True, slots=True)
class RecipeSettings:
    """How to train one of the two."""

    loop: LoopSettings
    rating_weight: float = 0.2
    #: Of the error against a teacher's features, where the examples have some.
    feature_weight: float = 1.0
    #: The embeddings and this many of the lowest layers stay as they are; None trains all of it.
    frozen_layers: int | None = None


def identity_of(examples: RatedExamples, settings: RecipeSettings) -> str:
    """Return a digest, in hex, of what is trained on, a teacher's features among it, and how."""
    found = hashlib.sha256(checkpoint.identity_of(examples, settings.loop).encode())
    found.update(repr(replace(settings, loop=LoopSettings())).encode())
    found.update(examples.ratings.tobytes())
    if examples.features is not None:
        found.update(examples.features.tobytes())
    return found.hexdigest()


def freeze(model: torch.nn.Module, settings: RecipeSettings) -> None:
    """Freeze the lowest layers, as the settings say."""
    if settings.frozen_layers is None:
        return
    for name, level in levels_of(model).items():
        if level <= settings.frozen_layers:
            model.get_parameter(name).requires_grad_(False)


class RatingLoss(Loss):
    """Cross-entropy, and the squared errors of the rating and of the features where these are known."""

    def __init__(self, examples: RatedExamples, settings: RecipeSettings, model: Any) -> None:
        super().__init__(examples.targets)
        self.identity = identity_of(examples, settings)
        self._settings = settings
        self.ratings: torch.Tensor
        self.register_buffer("ratings", torch.from_numpy(examples.ratings), persistent=False)
        self.features = None
        if examples.features is not None:
            self.features = FeatureLoss(examples.features, model.config.hidden_size)
        self.reads_hidden_states = self.features is not None

    def forward(self, output: Any, mask: torch.Tensor | None, rows: list[int]) -> torch.Tensor:
        """Return the loss (n,) of these rows; the last of the logits (n, labels + 1) is the rating."""
        losses = super().forward(output, mask, rows)
        ratings = self.ratings[rows]
        known = torch.isfinite(ratings)
        gap = output.logits.float()[:, -1] - torch.where(known, ratings, 0.0) / RATING_UNIT
        losses = losses + self._settings.rating_weight * torch.where(known, gap * gap, 0.0)
        if self.features is not None:
            missed = self.features(output.hidden_states[-1], mask, rows)
            losses = losses + self._settings.feature_weight * missed
        return losses

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the maps of the features, which have a learning rate of their own."""
        if self.features is None:
            return []
        return [{"params": [*self.features.parameters()], "lr": LEARNING_RATE, "weight_decay": 0.0}]

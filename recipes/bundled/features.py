"""The teacher's sentence vectors as a second objective for a student: they contain more information than a few logits.

After the hints of Romero et al. 2015 (FitNets), here of the last layer and with a linear map between the two widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.training.scoring import read_texts

#: The maps start from nothing and may move faster than the model.
LEARNING_RATE = 1e-3

#: Rows that tell mean and spread well enough.
ENOUGH_ROWS = 20_000


def sentence_vectors(hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return the first token's vector and the mean over all, float32 (n, 2, width), of a layer (n, tokens, width)."""
    wide = hidden.float()
    if mask is None:
        mean = wide.mean(dim=1)
    else:
        kept = mask.unsqueeze(2).to(wide.dtype)
        mean = (wide * kept).sum(dim=1) / kept.sum(dim=1)
    return torch.stack([wide[:, 0], mean], dim=1)


@dataclass(frozen=True, slots=True)
class LogitsAndFeatures:
    """A classifier's outputs for n texts: logits (n, outputs) and its last layer's `sentence_vectors` (n, 2, width)."""

    logits: NDArray[np.float32]
    features: NDArray[np.float16]


def logits_and_features(
    model: Any, tokenizer: Any, texts: Sequence[str], *, max_tokens: int = 256, budget_tokens: int = 4096
) -> LogitsAndFeatures:
    """Return logits and features of the texts, in their order."""
    logits = np.zeros((len(texts), model.config.num_labels), dtype=np.float32)
    features = np.zeros((len(texts), 2, model.config.hidden_size), dtype=np.float16)

    def keep(batch: list[int], output: Any, mask: torch.Tensor | None) -> None:
        logits[batch] = output.logits.float().cpu().numpy()
        features[batch] = sentence_vectors(output.hidden_states[-1], mask).cpu().numpy()

    read_texts(
        model, tokenizer, texts, keep, hidden=True, max_tokens=max_tokens, budget_tokens=budget_tokens, progress=None
    )
    return LogitsAndFeatures(logits, features)


class FeatureLoss(torch.nn.Module):
    """How far a student's sentence vectors, mapped linearly, are from its teacher's.

    The teacher's are standardised column by column, so that guessing their mean costs 1.
    """

    def __init__(self, features: NDArray[np.float16], width: int) -> None:
        """Keep ``features`` (n, 2, teacher's width), see `RatedExamples`; ``width`` is the student's hidden size."""
        super().__init__()
        self._features = features
        rows = np.flatnonzero(~np.isnan(features[:, 0, 0]))
        known = features[rows[:: 1 + len(rows) // ENOUGH_ROWS]]
        spread = known.std(axis=0, dtype=np.float32)
        self.mean: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("mean", torch.from_numpy(known.mean(axis=0, dtype=np.float32)), persistent=False)
        self.register_buffer("scale", torch.from_numpy(1.0 / np.maximum(spread, 1e-6)), persistent=False)
        self.maps = torch.nn.ModuleList(torch.nn.Linear(width, features.shape[2]) for _ in range(features.shape[1]))

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor | None, rows: list[int]) -> torch.Tensor:
        """Return the mean squared error (n,) of the last layer ``hidden`` (n, tokens, width) for rows of the examples.

        Rows without features have no error.
        """
        wanted = torch.from_numpy(self._features[rows].astype(np.float32)).to(hidden.device)
        known = torch.isfinite(wanted[:, 0, 0])
        target = (wanted - self.mean) * self.scale
        vectors = sentence_vectors(hidden, mask)
        mapped = torch.stack([each(vectors[:, i]) for i, each in enumerate(self.maps)], dim=1)
        gap = torch.where(known[:, None, None], mapped - target, 0.0)
        return gap.square().mean(dim=(1, 2))

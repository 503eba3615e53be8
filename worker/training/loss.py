"""The loss of a text in training: cross-entropy, and whatever a subclass adds to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import log_softmax


class Loss(torch.nn.Module):
    """Cross-entropy of each text with its soft targets, in nats.

    A subclass with parameters of its own returns them in `parameter_groups`; they are trained with the model, and their
    state is part of the checkpoint.
    """

    identity: str = ""
    """Everything that determines the loss besides the targets; a training resumes only with the same identity."""
    reads_hidden_states: bool = False
    """Whether the model's output must contain its hidden states."""

    def __init__(self, targets: NDArray[np.float32]) -> None:
        """Keep the ``targets`` (n, labels), every row a distribution."""
        super().__init__()
        self.targets: torch.Tensor
        self.register_buffer("targets", torch.from_numpy(targets), persistent=False)

    def forward(self, output: Any, mask: torch.Tensor | None, rows: list[int]) -> torch.Tensor:
        """Return the loss (n,) of these rows of the examples.

        ``output`` is the model's output for them: logits (n, labels or more), of which the first count. ``mask`` is 1
        for a token and 0 for padding; None if nothing is padded.
        """
        targets = self.targets[rows]
        return -(targets * log_softmax(output.logits.float()[:, : targets.shape[1]], dim=1)).sum(dim=1)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return groups for the optimizer, after those of the model."""
        return []

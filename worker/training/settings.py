"""The settings of a training loop, as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Settings of a training. ``patience`` counts evaluations without a better dev score."""

    epochs: int = 3
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 8e-5
    #: Factor on the learning rate for each layer further from the head (Howard & Ruder 2018).
    layer_decay: float = 0.9
    warmup_steps: int = 150
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    max_tokens: int = 160
    evaluations_per_epoch: int = 1
    patience: int = 3
    #: The run and its learning rates end at this optimizer step, if that is before the end of the epochs.
    max_steps: int | None = None
    seed: int = 20
    checkpoint_every_seconds: float = 120.0

"""The schedule of a training: number of steps, learning rates and order of batches. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Fewer optimizer steps than this may be too few to learn from.
ENOUGH_STEPS = 100

EPOCHS, BATCH_SIZE, PATIENCE = 4, 32, 3

#: The limits of the defaults for few texts: smaller batches are too noisy, and more epochs memorise the texts.
MOST_EPOCHS, LEAST_BATCH_SIZE = 30, 8


@dataclass(frozen=True, slots=True)
class Plan:
    """Epochs, batch size and patience: the number of evaluations without improvement before the end."""

    epochs: int
    batch_size: int
    patience: int


def plan_of(
    texts: int,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    accumulate: int = 1,
) -> Plan:
    """Keep the given values, and choose the others so that ``texts`` texts give enough steps to learn from.

    If the usual 4 epochs in batches of 32 are fewer than `ENOUGH_STEPS`, batches are halved, down to 8, and then epochs
    are added, up to 30. Patience is a third of the epochs, and at least 3.
    """

    def steps(epochs: int, batch_size: int) -> int:
        return optimizer_steps(texts, epochs, batch_size, accumulate)

    size = batch_size or BATCH_SIZE
    while batch_size is None and size > LEAST_BATCH_SIZE and steps(epochs or EPOCHS, size) < ENOUGH_STEPS:
        size //= 2
    passes = epochs or EPOCHS
    while epochs is None and passes < MOST_EPOCHS and steps(passes, size) < ENOUGH_STEPS:
        passes += 1
    return Plan(passes, size, patience or max(PATIENCE, passes // 3))


def optimizer_steps(texts: int, epochs: int, batch_size: int, accumulate: int) -> int:
    """Return the steps of a whole run; each consists of ``accumulate`` batches, possibly of two epochs."""
    return math.ceil(math.ceil(texts / batch_size) * epochs / accumulate)


def warmup_of(steps: int, wanted: int) -> int:
    """Return the warm-up steps of a run of ``steps``: as many as wanted, but no more than a fifth of them."""
    return min(wanted, max(1, steps // 5))


def learning_rate_factor(step: int, steps: int, warmup_steps: int) -> float:
    """Return a factor that rises linearly from 0 to 1 over the warm-up, then falls linearly to 0 at ``steps``."""
    warmup = warmup_of(steps, warmup_steps)
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (steps - step) / max(1, steps - warmup))


def shuffled_batches(lengths: NDArray[np.int64], size: int, seed: int, epoch: int, chunk: int = 50) -> list[list[int]]:
    """Return batches of similar length in random order, the same for the same seed and epoch.

    Shuffled indices are cut into pieces of ``chunk`` batches, each piece is sorted by length and cut into batches,
    and the batches are shuffled: there is little padding, and no two batches always follow one another.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(order), size * chunk):
        piece = order[start : start + size * chunk]
        piece = piece[np.argsort(lengths[piece], kind="stable")]
        batches.extend(piece[i : i + size].tolist() for i in range(0, len(piece), size))
    return [batches[i] for i in rng.permutation(len(batches))]

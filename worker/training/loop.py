"""A simple training loop for sequence classifiers: soft targets, layer-wise learning rates, resume, early stopping.

The classifier is any ``AutoModelForSequenceClassification``. The objective is a `Loss`, which a recipe can extend.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.datasets.examples import Examples
from worker.training.checkpoint import Run, identity_of
from worker.training.loss import Loss
from worker.training.schedule import learning_rate_factor, optimizer_steps, shuffled_batches
from worker.training.scoring import Rows, autocast, encode, logits_of, pad
from worker.training.settings import LoopSettings


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a run after an optimizer step; ``dev_score`` is set after steps that end with an evaluation.

    ``loss`` is the average of about the last fifty steps.
    """

    step: int
    steps: int
    loss: float
    dev_score: float | None = None
    best_score: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run; the best weights are in the model when `fit` returns."""

    best_score: float
    best_step: int
    steps: int
    stopped_early: bool


def steps_of(texts: int, settings: LoopSettings) -> int:
    """Return the optimizer steps of a run on this many texts, without early stopping."""
    steps = optimizer_steps(texts, settings.epochs, settings.batch_size, settings.accumulate)
    return min(steps, settings.max_steps or steps)


DevScore = Callable[[NDArray[np.float32]], float]


def _batches_from(rows: Rows, settings: LoopSettings, per_epoch: int, first: int, last: int) -> Iterator[list[int]]:
    """Yield the index lists of the micro-batches ``first`` .. ``last`` of the whole run, counted over all epochs."""
    lengths = np.array([len(row) for row in rows])
    epoch = -1
    order: list[list[int]] = []
    for number in range(first, last):
        if number // per_epoch != epoch:
            epoch = number // per_epoch
            order = shuffled_batches(lengths, settings.batch_size, settings.seed, epoch)
        yield order[number % per_epoch]


class Interrupted(Exception):
    """A run was asked to stop, and did so after a complete step; it can be resumed from its checkpoint."""


def fit(
    model: Any,
    tokenizer: Any,
    train: Examples,
    dev_texts: tuple[str, ...],
    dev_score: DevScore,
    settings: LoopSettings,
    *,
    loss: Callable[[Any], Loss] | None = None,
    dev_loss: DevScore | None = None,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_best: Callable[[Any, float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Train ``model`` in place and leave the weights with the best dev score in it.

    ``loss`` creates the objective for the model; without it, the objective is the cross-entropy with the targets.
    ``dev_score`` is given the logits (n, outputs) of ``dev_texts``; larger is better. Of equal scores, which are common
    with few texts, the one with the smaller ``dev_loss`` is better. With a ``folder``, a checkpoint is written there
    every ``checkpoint_every_seconds``, and a run that finds one resumes from it, with the same batches in the same
    order. ``on_best`` is called with the model and the score at every improvement. ``stop`` is called after every step;
    once it returns True, a checkpoint is written and Interrupted raised.

    Raises:
        FloatingPointError: the loss is not finite.
        ValueError: the checkpoint in ``folder`` belongs to another training.
        Interrupted: ``stop`` returned True.
    """
    torch.manual_seed(settings.seed)
    device = next(model.parameters()).device
    rows = encode(tokenizer, train.texts, settings.max_tokens)
    weights = torch.from_numpy(train.weights).to(device)
    per_epoch = math.ceil(len(rows) / settings.batch_size)
    micro_total = per_epoch * settings.epochs
    steps = steps_of(len(rows), settings)
    evaluate_every = max(1, math.ceil(steps / (settings.epochs * settings.evaluations_per_epoch)))
    criterion = (Loss(train.targets) if loss is None else loss(model)).to(device)
    # The same for every step: with the step's own weight, a batch of equally weighted texts would count fully whatever
    # their weight, and a last batch of one text as much as a full one.
    step_weight = float(train.weights.mean()) * settings.batch_size * settings.accumulate
    run = Run(model, criterion, settings, folder, identity_of(train, settings) + criterion.identity)
    run.resume()
    saved = time.monotonic()
    model.train()
    micro = _batches_from(rows, settings, per_epoch, run.step * settings.accumulate, micro_total)
    stopped = run.misses >= settings.patience
    while run.step < steps and not stopped:
        factor = learning_rate_factor(run.step, steps, settings.warmup_steps)
        for group, rate in zip(run.optimizer.param_groups, run.base_rates, strict=True):
            group["lr"] = rate * factor
        total = seen = 0.0
        for _, batch in zip(range(settings.accumulate), micro, strict=False):
            ids, mask = pad([rows[i] for i in batch], tokenizer.pad_token_id, device)
            with autocast(device):
                output = model(input_ids=ids, attention_mask=mask, output_hidden_states=criterion.reads_hidden_states)
            cost = (criterion(output, mask, batch) * weights[batch]).sum()
            (cost / step_weight).backward()
            total += float(cost.detach())
            seen += float(weights[batch].sum())
        total /= seen
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss is {total} at step {run.step}: lower learning_rate")
        # Without the loss's own parameters, which start untrained: their large gradients would slow the model down.
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], settings.clip_norm)
        run.optimizer.step()
        run.optimizer.zero_grad(set_to_none=True)
        run.step += 1
        run.note_loss(total)
        score = None
        if run.step % evaluate_every == 0 or run.step == steps:
            logits = logits_of(model, tokenizer, dev_texts, max_tokens=settings.max_tokens)
            score = dev_score(logits)
            run.keep_best(score, dev_loss(logits) if dev_loss is not None else math.inf)
            stopped = run.misses >= settings.patience
            if run.misses == 0 and on_best is not None:
                on_best(model, score)
        if score is not None or time.monotonic() - saved > settings.checkpoint_every_seconds:
            run.save()
            saved = time.monotonic()
        if progress is not None:
            best = run.best_score if run.best_state is not None else None
            progress(Progress(run.step, steps, run.loss, score, best))
        if stop is not None and run.step < steps and not stopped and stop():
            run.save()
            raise Interrupted
    if run.best_state is not None:
        model.load_state_dict(run.best_state)
    model.eval()
    return Outcome(run.best_score, run.best_step, run.step, stopped and run.step < steps)

"""The mutable state of a training, kept in one file, so that a resumed training ends as if never interrupted."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from worker.datasets.examples import Examples
from worker.training.loss import Loss
from worker.training.optimizer import make_optimizer
from worker.training.settings import LoopSettings


def identity_of(train: Examples, settings: LoopSettings) -> str:
    """Return a digest, in hex, of the training data and the settings.

    The caller adds the base, the dev set and any other input of the loss.
    """
    found = hashlib.sha256(repr(replace(settings, checkpoint_every_seconds=0.0)).encode())
    for text in train.texts:
        found.update(text.encode(errors="surrogatepass") + b"\0")
    for column in (train.targets, train.weights):
        found.update(column.tobytes())
    return found.hexdigest()


class Run:
    """The mutable state of one run: model, loss, optimizer, step and the best weights so far, saved as one file."""

    _KEPT = ("step", "loss", "best_score", "best_loss", "best_step", "best_state", "misses")

    def __init__(self, model: Any, criterion: Loss, settings: LoopSettings, folder: Path | None, identity: str) -> None:
        self.model = model
        self.criterion = criterion
        self.identity = identity
        self.device: torch.device = next(model.parameters()).device
        self.path = folder / "checkpoint.pt" if folder is not None else None
        self.optimizer = make_optimizer(model, criterion, settings)
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.step = 0
        self.loss = math.nan
        self.best_score = -math.inf
        self.best_loss = math.inf
        self.best_step = 0
        self.best_state: dict[str, torch.Tensor] | None = None
        self.misses = 0

    def note_loss(self, loss: float) -> None:
        """Update the moving average of the loss: the mean over the first steps, then with 2 % of the newest."""
        share = max(0.02, 1.0 / self.step)
        self.loss = loss if self.step == 1 else (1.0 - share) * self.loss + share * loss

    def keep_best(self, score: float, loss: float) -> None:
        if score > self.best_score or (score == self.best_score and loss < self.best_loss):
            self.best_score, self.best_loss, self.best_step, self.misses = score, loss, self.step, 0
            self.best_state = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        else:
            self.misses += 1

    def save(self) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        state = {
            "model": self.model.state_dict(),
            "criterion": self.criterion.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "identity": self.identity,
            "rng": _rng_states(self.device),
            **{name: getattr(self, name) for name in self._KEPT},
        }
        torch.save(state, fresh)
        # A run that is killed while saving still finds the previous checkpoint.
        os.replace(fresh, self.path)

    def resume(self) -> None:
        """Continue from the checkpoint, if there is one. Raise ValueError if it belongs to another training."""
        if self.path is None or not self.path.exists():
            return
        state = torch.load(self.path, weights_only=True, map_location="cpu")
        if state["identity"] != self.identity:
            raise ValueError(f"{self.path} belongs to a training on other texts or with other settings: remove it")
        self.model.load_state_dict(state["model"])
        self.criterion.load_state_dict(state["criterion"])
        self.optimizer.load_state_dict(state["optimizer"])
        _set_rng_states(state["rng"], self.device)
        for name in self._KEPT:
            setattr(self, name, state[name])


def _rng_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of all generators that dropout uses: an accelerator has its own."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def _set_rng_states(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type in states and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[device.type])

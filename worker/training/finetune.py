"""A classifier of one's own: labelled texts and a base model become a folder that the worker can run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.classifier.backends.model_limits import max_tokens_of
from worker.classifier.backends.pretrained import quiet
from worker.classifier.persistence import replace_classifier, save_model
from worker.classifier.source import Source
from worker.datasets.labelled import Labelled
from worker.errors import Code, SettingError
from worker.evaluation.metrics import confusion, cross_entropy, expected_calibration_error, macro_f1, softmax
from worker.training.base import load_base
from worker.training.calibration import calibration, divide_logits, head_of
from worker.training.errors import in_a_sentence
from worker.training.loop import Progress, fit, steps_of
from worker.training.resume import UNFINISHED, claim, mark_of, run_of
from worker.training.schedule import warmup_of
from worker.training.scoring import logits_of
from worker.training.settings import LoopSettings

#: From this many parameters on a base counts as large, and learns at half the rate.
LARGE_PARAMETERS = 50_000_000
#: From this many dev texts on their scores say something: 50 right of 50 are 0.93 to 1 at 95 %, 10 of 10 are 0.72 to 1.
ENOUGH_DEV_TEXTS = 50

LEARNING_RATE, LARGE_LEARNING_RATE = 8e-5, 4e-5


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended.

    The scores are those of the classifier as it was saved, on the dev texts, of which it reads as much as it can: more
    than the training did, where that cut them. They are a little too good, as those texts also chose the weights.
    """

    base: str
    base_revision: str
    labels: tuple[str, ...]
    targets: str
    train_texts: int
    dev_texts: int
    dev_accuracy: float
    dev_macro_f1: float
    dev_ece: float
    """By the texts that ``temperature`` was fitted to, so that other texts will give a larger one."""
    temperature: float
    """The divisor of the saved logits, which makes scores as sure as they are right on the dev texts, or, where those
    have vote shares, as unsure as the raters.

    1 where that gains nothing, and where they are fewer than `ENOUGH_DEV_TEXTS`: when all of a handful are right, no
    score would seem too sure.
    """
    best_step: int
    steps: int
    stopped_early: bool


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A training that nothing stands in the way of: the base can be trained and run, the folder is its own."""

    train: Labelled = field(repr=False)
    dev: Labelled = field(repr=False)
    base: Source
    out: Path
    settings: LoopSettings
    """With all that the data and the base decide."""
    device: torch.device
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    most_tokens: int
    """The longest text that the classifier will read, special tokens included."""
    goes_on: bool
    """Whether there is a checkpoint of the same training to go on from."""


def prepare(
    train: Labelled,
    dev: Labelled,
    base: Source,
    out: Path,
    settings: LoopSettings,
    device: torch.device,
    *,
    learning_rate: float | None = None,
    restart: bool = False,
) -> Prepared:
    """Check all that can be checked without a step, load the base, and mark ``out`` as this training's.

    ``restart`` removes an unfinished training that is in ``out``, and lets the new classifier replace one that is
    there, which stays until then. ``learning_rate`` goes before that of ``settings``; without it the base's size
    decides.

    Raises:
        SettingError: ``out`` is the base, holds a classifier or an unfinished run of something else, or cannot be
            written; the base cannot be trained, or what is made of it could not be run; memory is too small.
    """
    with quiet(), in_a_sentence(out, settings, device):
        _check_free(out, base, restart=restart)
        torch.manual_seed(settings.seed)
        model, tokenizer = load_base(base, train.labels)
        large = sum(parameter.numel() for parameter in model.parameters()) >= LARGE_PARAMETERS
        most_tokens = max_tokens_of(model, tokenizer.model_max_length)
        settings = dataclasses.replace(
            settings,
            learning_rate=learning_rate or (LARGE_LEARNING_RATE if large else LEARNING_RATE),
            max_tokens=min(settings.max_tokens, most_tokens),
            # As long as the run makes it, so that the record says what was done.
            warmup_steps=warmup_of(steps_of(len(train), settings), settings.warmup_steps),
        )
        goes_on = claim(out, run_of(train, dev, base, settings), restart=restart)
    return Prepared(train, dev, base, out, settings, device, model, tokenizer, most_tokens, goes_on)


def finetune(
    prepared: Prepared,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train, keep the weights with the best macro F1 on the dev texts (of equal ones, with the least cross-entropy),
    write the classifier to the folder.

    A training that goes on ends with the same weights as if it had not been interrupted.

    Raises:
        SettingError: the training diverges; memory or disk are too small.
        Interrupted: ``stop`` said so.
    """
    train, dev, out, settings = prepared.train, prepared.dev, prepared.out, prepared.settings
    model, tokenizer = prepared.model, prepared.tokenizer
    with quiet(), in_a_sentence(out, settings, prepared.device):
        model.to(prepared.device)

        def dev_score(logits: NDArray[np.float32]) -> float:
            return macro_f1(confusion(dev.truth, logits.argmax(axis=1), len(dev.labels)))

        def dev_loss(logits: NDArray[np.float32]) -> float:
            return cross_entropy(softmax(logits), dev.targets)

        outcome = fit(
            model,
            tokenizer,
            train.examples(),
            dev.texts,
            dev_score,
            settings,
            dev_loss=dev_loss,
            folder=out / UNFINISHED,
            progress=progress,
            stop=stop,
        )
        # As the classifier will read them, not cut as in training.
        logits = logits_of(model, tokenizer, dev.texts, max_tokens=prepared.most_tokens)
        temperature = _calibrate(model, logits, dev) if len(dev) >= ENOUGH_DEV_TEXTS else 1.0
        scores = softmax(logits / temperature)
        trained = Trained(
            base=prepared.base.name,
            base_revision=prepared.base.revision,
            labels=train.labels,
            targets=train.kind,
            train_texts=len(train),
            dev_texts=len(dev),
            dev_accuracy=float((scores.argmax(axis=1) == dev.truth).mean()),
            dev_macro_f1=dev_score(logits),
            dev_ece=expected_calibration_error(scores, dev.truth),
            temperature=temperature,
            best_step=outcome.best_step,
            steps=outcome.steps,
            stopped_early=outcome.stopped_early,
        )
        _finish(out, model, tokenizer, trained, settings)
        return trained


def _check_free(out: Path, base: Source, *, restart: bool) -> None:
    """Raises SettingError where ``out`` is the base, or holds a classifier that is not to be replaced."""
    if out.exists() and out.samefile(base.folder):
        raise SettingError(
            Code.OUTPUT_IS_TAKEN,
            f"{out} is the base itself, which a training reads: name another folder for the classifier",
        )
    # Beside a run it is one that the run was told to replace, or the run's own, where it was killed at the very end.
    if (out / "config.json").exists() and not restart and not mark_of(out).exists():
        raise SettingError(
            Code.OUTPUT_IS_TAKEN,
            f"{out} already holds a classifier: name another folder, or add --restart to replace it",
        )


def _calibrate(model: Any, logits: NDArray[np.float32], dev: Labelled) -> float:
    """Divide the logits, for good, by the temperature that suits the dev texts best, and return it."""
    head = head_of(model, len(dev.labels))
    if head is None:
        return 1.0
    temperature = calibration(logits, dev.truth, dev.targets if dev.kind == "vote shares" else None)
    divide_logits(head, temperature)
    return temperature


def _finish(out: Path, model: Any, tokenizer: Any, trained: Trained, settings: LoopSettings) -> None:
    """Write the classifier beside the checkpoint, then move it into place: a folder is never half a classifier."""
    fresh, former = out / UNFINISHED / "finished", out / UNFINISHED / "former"
    for left in (fresh, former):  # by a run that was killed here
        shutil.rmtree(left, ignore_errors=True)
    save_model(model.cpu(), fresh)
    if (raw := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        raw.no_truncation()  # how long a text may be is the reader's choice, not that of the training
    tokenizer.save_pretrained(fresh)
    story = dataclasses.asdict(trained) | {"settings": dataclasses.asdict(settings)}
    (fresh / "training.json").write_text(json.dumps(story, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    replace_classifier(out, fresh, former)
    shutil.rmtree(out / UNFINISHED)

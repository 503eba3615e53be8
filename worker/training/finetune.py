"""Fine-tuning: from labelled texts and a base model to a folder that the worker can run."""

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

#: From this many parameters on, a base counts as large, and gets half the learning rate.
LARGE_PARAMETERS = 50_000_000
#: From this many dev texts on, their scores mean something: 50 of 50 right are 0.93 to 1 at 95 %, 10 of 10 0.72 to 1.
ENOUGH_DEV_TEXTS = 50

LEARNING_RATE, LARGE_LEARNING_RATE = 8e-5, 4e-5


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a training.

    The scores are those of the classifier as saved, on the dev texts up to its own limit of tokens, which may be higher
    than that of the training. They are a little too good, since those texts also selected the weights.
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
    """Measured on the texts that ``temperature`` was fitted to, so it will be larger on other texts."""
    temperature: float
    """The divisor of the saved logits, which calibrates scores on the dev texts, or, if those have vote shares, makes
    scores as uncertain as the raters.

    1 if that gains nothing, or if there are fewer than `ENOUGH_DEV_TEXTS`: when all of a few texts are right, no score
    seems too confident.
    """
    best_step: int
    steps: int
    stopped_early: bool


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A training that is ready to run: the base can be trained and run, and the folder is reserved for it."""

    train: Labelled = field(repr=False)
    dev: Labelled = field(repr=False)
    base: Source
    out: Path
    settings: LoopSettings
    """The settings, completed with everything that the data and the base decide."""
    device: torch.device
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    most_tokens: int
    """The classifier's limit on the tokens of a text, special tokens included."""
    goes_on: bool
    """Whether there is a checkpoint of the same training to continue from."""


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
    """Check everything that can be checked without a step, load the base, and mark ``out`` as this training's.

    ``restart`` removes an unfinished training from ``out``, and lets the new classifier replace an existing one, which
    stays until then. ``learning_rate`` overrides that of ``settings``; without it, the base's size decides.

    Raises:
        SettingError: ``out`` is the base, holds a classifier or another unfinished run, or cannot be written; the base
            cannot be trained, or the worker could not run the result; memory is too small.
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
            # The actual length of the warm-up, so that the record says what was done.
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
    """Train, keep the weights with the best macro F1 on the dev texts, and write the classifier to the folder.

    Ties are decided by the least cross-entropy. A resumed training ends with the same weights as if it had not been
    interrupted.

    Raises:
        SettingError: the training diverges; memory or disk space is too small.
        Interrupted: ``stop`` returned True.
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
        # As the classifier will read them, not truncated as in training.
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
    """Raise SettingError if ``out`` is the base, or holds a classifier that must not be replaced."""
    if out.exists() and out.samefile(base.folder):
        raise SettingError(
            Code.OUTPUT_IS_TAKEN,
            f"{out} is the base itself: name another folder for the classifier",
        )
    # Next to a run, it is one that the run may replace, or the run's own if it was killed at the very end.
    if (out / "config.json").exists() and not restart and not mark_of(out).exists():
        raise SettingError(
            Code.OUTPUT_IS_TAKEN,
            f"{out} already holds a classifier: name another folder, or add --restart to replace it",
        )


def _calibrate(model: Any, logits: NDArray[np.float32], dev: Labelled) -> float:
    """Divide the logits permanently by the temperature that suits the dev texts best, and return it."""
    head = head_of(model, len(dev.labels))
    if head is None:
        return 1.0
    temperature = calibration(logits, dev.truth, dev.targets if dev.kind == "vote shares" else None)
    divide_logits(head, temperature)
    return temperature


def _finish(out: Path, model: Any, tokenizer: Any, trained: Trained, settings: LoopSettings) -> None:
    """Write the classifier next to the checkpoint, then move it into place: a folder never holds half a classifier."""
    fresh, former = out / UNFINISHED / "finished", out / UNFINISHED / "former"
    for left in (fresh, former):  # left by a run that was killed here
        shutil.rmtree(left, ignore_errors=True)
    save_model(model.cpu(), fresh)
    if (raw := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        raw.no_truncation()  # the limit on a text is the reader's choice, not that of the training
    tokenizer.save_pretrained(fresh)
    story = dataclasses.asdict(trained) | {"settings": dataclasses.asdict(settings)}
    (fresh / "training.json").write_text(json.dumps(story, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    replace_classifier(out, fresh, former)
    shutil.rmtree(out / UNFINISHED)

"""A classifier of one's own: labelled texts and a base model become a folder that the worker can run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.classifier.shape import max_tokens_of
from worker.classifier.source import Source
from worker.errors import SettingError
from worker.training.labelled import Labelled
from worker.training.loop import LoopSettings, Progress, fit, steps_of
from worker.training.metrics import (
    best_temperature,
    confusion,
    cross_entropy,
    expected_calibration_error,
    macro_f1,
    softmax,
)
from worker.training.schedule import warmup_of
from worker.training.scoring import logits_of

#: What a run leaves in the classifier's folder until it is done.
UNFINISHED = ".training"

#: From this many parameters on a base counts as large, and learns at half the rate.
LARGE_PARAMETERS = 50_000_000
#: From this many dev texts on their scores say something: 50 right of 50 are 0.93 to 1 at 95 %, 10 of 10 are 0.72 to 1.
ENOUGH_DEV_TEXTS = 50

LEARNING_RATE, LARGE_LEARNING_RATE = 8e-5, 4e-5


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended; the scores are those of the classifier as it was saved, on the dev texts."""

    base: str
    base_revision: str
    labels: tuple[str, ...]
    targets: str
    train_texts: int
    dev_texts: int
    dev_accuracy: float
    dev_macro_f1: float
    dev_ece: float
    temperature: float
    """What the logits were divided by, for good, so that scores are as sure as they are right on the dev texts.

    1 where those are fewer than `ENOUGH_DEV_TEXTS`: when all of a handful are right, no score would seem too sure.
    """
    best_step: int
    steps: int
    stopped_early: bool


def finetune(
    train: Labelled,
    dev: Labelled,
    base: Source,
    out: Path,
    settings: LoopSettings,
    device: torch.device,
    *,
    learning_rate: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train ``base`` on ``train``, keep the weights with the best macro F1 on ``dev`` (of equal ones, with the
    least cross-entropy), write the classifier to ``out``.

    An unfinished run of the same data, base and settings that is found in ``out`` goes on where it stood, and ends
    with the same weights as if it had not been interrupted. ``learning_rate`` goes before that of ``settings``;
    without it the base's size decides.

    Raises:
        SettingError: ``out`` holds a classifier, or an unfinished run of something else; the base cannot be trained.
        Interrupted: ``stop`` said so.
    """
    if (out / "config.json").exists():
        raise SettingError(f"{out} already holds a classifier: name another folder, or add --restart to replace it")
    torch.manual_seed(settings.seed)
    model, tokenizer = _load(base, train.labels)
    large = sum(parameter.numel() for parameter in model.parameters()) >= LARGE_PARAMETERS
    settings = dataclasses.replace(
        settings,
        learning_rate=learning_rate or (LARGE_LEARNING_RATE if large else LEARNING_RATE),
        max_tokens=min(settings.max_tokens, max_tokens_of(model, tokenizer.model_max_length)),
        # As long as the run makes it, so that the record says what was done.
        warmup_steps=warmup_of(steps_of(len(train), settings), settings.warmup_steps),
    )
    _claim(out, train, dev, base, settings)
    model.to(device)

    def dev_score(logits: NDArray[np.float32]) -> float:
        return macro_f1(confusion(dev.truth, logits.argmax(axis=1), len(dev.labels)))

    def dev_loss(logits: NDArray[np.float32]) -> float:
        return cross_entropy(softmax(logits), dev.targets)

    try:
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
    except FloatingPointError as error:
        raise SettingError(f"the training diverged ({error}): use a lower --learning-rate, and --restart") from error

    logits = logits_of(model, tokenizer, dev.texts, max_tokens=settings.max_tokens)
    temperature = _calibrate(model, logits, dev) if len(dev) >= ENOUGH_DEV_TEXTS else 1.0
    scores = softmax(logits / temperature)
    trained = Trained(
        base=base.name,
        base_revision=base.revision,
        labels=train.labels,
        targets=train.kind,
        train_texts=len(train),
        dev_texts=len(dev),
        dev_accuracy=float((scores.argmax(axis=1) == dev.truth).mean()),
        dev_macro_f1=outcome.best_score,
        dev_ece=expected_calibration_error(scores, dev.truth),
        temperature=temperature,
        best_step=outcome.best_step,
        steps=outcome.steps,
        stopped_early=outcome.stopped_early,
    )
    _finish(out, model, tokenizer, trained, settings)
    return trained


def _load(base: Source, labels: tuple[str, ...]) -> tuple[Any, Any]:
    """The base in float32 with one output for each label; its head is kept where it has the same number of them."""
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            base.folder,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
            problem_type="single_label_classification",
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SettingError(f"the base {base.name} cannot be loaded as a sequence classifier: {reason}") from error
    if tokenizer.pad_token_id is None:  # GPT-2 and its kin; the end-of-text id would hide the end of a text
        tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
        model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def _claim(out: Path, train: Labelled, dev: Labelled, base: Source, settings: LoopSettings) -> None:
    """Mark ``out`` as this run's; raises SettingError where it is another's."""
    how = dataclasses.asdict(settings) | {"checkpoint_every_seconds": None}
    identity = [train.digest, dev.digest, len(train), train.labels, train.kind, base.revision, how]
    run = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    mark = out / UNFINISHED / "run"
    if mark.exists() and mark.read_text() != run:
        raise SettingError(
            f"{out} holds an unfinished training of other data or flags: repeat those to go on, "
            "add --restart to begin anew, or name another folder"
        )
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(run)
    except OSError as error:
        raise SettingError(f"{out} cannot be written: {error.strerror}") from error


def _calibrate(model: Any, logits: NDArray[np.float32], dev: Labelled) -> float:
    """Divide the last layer's weights by the temperature that suits the dev texts best, and return it."""
    heads = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == len(dev.labels)
    ]
    if not heads:
        return 1.0
    temperature = best_temperature(logits, dev.targets)
    with torch.no_grad():
        for parameter in heads[-1].parameters():
            parameter.div_(temperature)
    return temperature


def _finish(out: Path, model: Any, tokenizer: Any, trained: Trained, settings: LoopSettings) -> None:
    """Write the classifier beside the checkpoint, then move it into place: a folder is never half a classifier."""
    fresh = out / UNFINISHED / "finished"
    model.cpu().save_pretrained(fresh)
    if (raw := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        raw.no_truncation()  # how long a text may be is the reader's choice, not that of the training
    tokenizer.save_pretrained(fresh)
    story = dataclasses.asdict(trained) | {"settings": dataclasses.asdict(settings)}
    (fresh / "training.json").write_text(json.dumps(story, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    # config.json last: it is what makes the folder a classifier.
    for file in sorted(fresh.iterdir(), key=lambda path: path.name == "config.json"):
        file.chmod(0o644)  # safetensors makes its files readable for their owner alone
        os.replace(file, out / file.name)
    shutil.rmtree(out / UNFINISHED)

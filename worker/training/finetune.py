"""A classifier of one's own: labelled texts and a base model become a folder that the worker can run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.classifier.hardware import is_out_of_memory
from worker.classifier.load import quiet
from worker.classifier.saved import replace_classifier, save_model
from worker.classifier.shape import max_tokens_of
from worker.classifier.source import Source
from worker.errors import SettingError
from worker.training.calibration import calibration, divide_logits, head_of
from worker.training.checkpoint import identity_of
from worker.training.labelled import Labelled
from worker.training.loop import LoopSettings, Progress, fit, steps_of
from worker.training.metrics import confusion, cross_entropy, expected_calibration_error, macro_f1, softmax
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
    """What the logits were divided by, for good, so that scores are as sure as they are right on the dev texts, or,
    where those have vote shares, as unsure as the raters.

    1 where that gains nothing, and where they are fewer than `ENOUGH_DEV_TEXTS`: when all of a handful are right, no
    score would seem too sure.
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
    restart: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train ``base`` on ``train``, keep the weights with the best macro F1 on ``dev`` (of equal ones, with the
    least cross-entropy), write the classifier to ``out``.

    An unfinished run of the same data, base and settings that is found in ``out`` goes on where it stood, and ends
    with the same weights as if it had not been interrupted; ``restart`` removes it, and lets the new classifier
    replace one that is in ``out``, which stays until then. ``learning_rate`` goes before that of ``settings``; without
    it the base's size decides.

    Raises:
        SettingError: ``out`` is the base, or holds a classifier or an unfinished run of something else; the base cannot
            be trained; memory or disk are too small.
        Interrupted: ``stop`` said so.
    """
    with quiet(), _in_a_sentence(out, settings, device):
        _check_free(out, base, restart=restart)
        torch.manual_seed(settings.seed)
        model, tokenizer = _load(base, train.labels)
        large = sum(parameter.numel() for parameter in model.parameters()) >= LARGE_PARAMETERS
        most_tokens = max_tokens_of(model, tokenizer.model_max_length)
        settings = dataclasses.replace(
            settings,
            learning_rate=learning_rate or (LARGE_LEARNING_RATE if large else LEARNING_RATE),
            max_tokens=min(settings.max_tokens, most_tokens),
            # As long as the run makes it, so that the record says what was done.
            warmup_steps=warmup_of(steps_of(len(train), settings), settings.warmup_steps),
        )
        _claim(out, _run_of(train, dev, base, settings), restart=restart)
        model.to(device)

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
        logits = logits_of(model, tokenizer, dev.texts, max_tokens=most_tokens)
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
            dev_macro_f1=dev_score(logits),
            dev_ece=expected_calibration_error(scores, dev.truth),
            temperature=temperature,
            best_step=outcome.best_step,
            steps=outcome.steps,
            stopped_early=outcome.stopped_early,
        )
        _finish(out, model, tokenizer, trained, settings)
        return trained


def smaller_batches(batch_size: int, accumulate: int) -> tuple[int, int]:
    """(batch size, accumulate) of smaller batches whose product, the texts of a step, is the same.

    The next smaller size is the largest true divisor; of 1 there is none, and it stays.
    """
    size = max((size for size in range(1, batch_size) if batch_size % size == 0), default=batch_size)
    return size, accumulate * batch_size // size


@contextmanager
def _in_a_sentence(out: Path, settings: LoopSettings, device: torch.device) -> Iterator[None]:
    """What ends a training and is no bug, as a SettingError that names the way out."""
    try:
        yield
    except FloatingPointError as error:
        raise SettingError(f"the training diverged ({error}): use a lower --learning-rate, and --restart") from error
    except (RuntimeError, MemoryError, OSError, SafetensorError) as error:
        if is_out_of_memory(error):
            batch_size, accumulate = smaller_batches(settings.batch_size, settings.accumulate)
            way_out = (
                f"use --batch-size {batch_size} --accumulate {accumulate}, which makes steps of as many texts,"
                if batch_size < settings.batch_size
                else "use a smaller --max-tokens or another --base,"
            )
            raise SettingError(
                f"{device} has no memory left for batches of {settings.batch_size:,} texts: {way_out} and --restart"
            ) from error
        if (reason := _why_unwritten(error)) is None:
            raise
        raise SettingError(
            f"{out} cannot be written ({reason}): make room, or name another folder; "
            "the same command, without --restart, goes on from the last checkpoint"
        ) from error


def _why_unwritten(error: Exception) -> str | None:
    """Why a file could not be written, where that is what the error says; the libraries say it in their own ways."""
    if isinstance(error, BrokenPipeError):  # whoever read our progress is gone
        return None
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    words = str(error)
    if isinstance(error, SafetensorError) and "I/O error: " in words:
        return words.split("I/O error: ")[1]
    if "inline_container.cc" in words or "PytorchStreamWriter" in words:  # torch.save keeps the cause to itself
        return "is the disk full?"
    return None


def _load(base: Source, labels: tuple[str, ...]) -> tuple[Any, Any]:
    """The base in float32 with one output for each label; its head is kept where it has the same number of them."""
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
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:300]
        raise SettingError(f"the base {base.name} cannot be loaded as a sequence classifier: {reason}") from error
    if tokenizer.pad_token_id is None:  # GPT-2 and its kin; the end-of-text id would hide the end of a text
        tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
        model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def _check_free(out: Path, base: Source, *, restart: bool) -> None:
    """Raises SettingError where ``out`` is the base, or holds a classifier that is not to be replaced."""
    if out.exists() and out.samefile(base.folder):
        raise SettingError(f"{out} is the base itself, which a training reads: name another folder for the classifier")
    # Beside a run it is one that the run was told to replace, or the run's own, where it was killed at the very end.
    if (out / "config.json").exists() and not restart and not _mark(out).exists():
        raise SettingError(f"{out} already holds a classifier: name another folder, or add --restart to replace it")


def _mark(out: Path) -> Path:
    """The file that says whose run is in ``out``."""
    return out / UNFINISHED / "run"


def _run_of(train: Labelled, dev: Labelled, base: Source, settings: LoopSettings) -> str:
    """Hex, the same for what ends with the same classifier: made of what was read of the files, not of the files."""
    run = hashlib.sha256(json.dumps([base.revision, train.labels, train.kind]).encode())
    for part in (train, dev):
        run.update(identity_of(part.examples(), settings).encode() + part.truth.tobytes())
    return run.hexdigest()


def _claim(out: Path, run: str, *, restart: bool) -> None:
    """Mark ``out`` as this run's; raises SettingError where it is another's, or the checkpoint is damaged."""
    mark, checkpoint = _mark(out), out / UNFINISHED / "checkpoint.pt"
    try:
        if restart and mark.parent.exists():
            shutil.rmtree(mark.parent)
        if mark.exists() and mark.read_bytes() != run.encode():
            raise SettingError(
                f"{out} holds an unfinished training of other data or flags: repeat those to go on, "
                "add --restart to begin anew, or name another folder"
            )
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(run)
    except OSError as error:
        raise SettingError(f"{out} cannot be written: {error.strerror}") from error
    if checkpoint.exists():
        try:
            # Mapped: looks at how the file is built, and does not read all of it.
            torch.load(checkpoint, weights_only=True, map_location="cpu", mmap=True)
        except Exception as error:  # each kind of damage has its own
            raise SettingError(
                f"the checkpoint in {mark.parent} is damaged ({type(error).__name__}): add --restart to begin anew"
            ) from error


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

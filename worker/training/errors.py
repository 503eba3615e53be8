"""Errors that end a training and are not bugs, each as one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError

from worker.classifier.hardware import is_out_of_memory
from worker.errors import Code, SettingError
from worker.text import counted
from worker.training.settings import LoopSettings


@contextmanager
def in_a_sentence(out: Path, settings: LoopSettings, device: torch.device) -> Iterator[None]:
    """Raise SettingError for a diverged training, too little memory, and a folder ``out`` that cannot be written."""
    try:
        yield
    except FloatingPointError as error:
        raise SettingError(
            Code.TRAINING_DIVERGED, f"the training diverged ({error}): use a lower --learning-rate, and --restart"
        ) from error
    except (RuntimeError, MemoryError, OSError, SafetensorError) as error:
        if is_out_of_memory(error):
            batch_size, accumulate = smaller_batches(settings.batch_size, settings.accumulate)
            way_out = (
                f"use --batch-size {batch_size} --accumulate {accumulate}, which keeps the number of texts per step,"
                if batch_size < settings.batch_size
                else "use a smaller --max-tokens or another --base,"
            )
            batches = f"batches of {counted(settings.batch_size, 'text')}"
            raise SettingError(
                Code.OUT_OF_MEMORY, f"{device} has no memory left for {batches}: {way_out} and --restart"
            ) from error
        if (reason := _why_unwritten(error)) is None:
            raise
        raise SettingError(
            Code.FILE_NOT_WRITABLE,
            f"{out} cannot be written ({reason}): free some space, or name another folder; "
            "the same command, without --restart, continues from the last checkpoint",
        ) from error


def smaller_batches(batch_size: int, accumulate: int) -> tuple[int, int]:
    """Return (batch size, accumulate) for smaller batches with the same product, the number of texts per step.

    The next smaller size is the largest proper divisor; 1 has none, and stays.
    """
    size = max((size for size in range(1, batch_size) if batch_size % size == 0), default=batch_size)
    return size, accumulate * batch_size // size


def _why_unwritten(error: Exception) -> str | None:
    """Return why a file could not be written, if the error is about that; each library reports it differently."""
    if isinstance(error, BrokenPipeError):  # the reader of our progress is gone
        return None
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    words = str(error)
    if isinstance(error, SafetensorError) and "I/O error: " in words:
        return words.split("I/O error: ")[1]
    if "inline_container.cc" in words or "PytorchStreamWriter" in words:  # torch.save does not report the cause
        return "is the disk full?"
    return None

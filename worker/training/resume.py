"""Resuming an unfinished training in a folder: only if its result would be the same."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from worker.classifier.source import Source
from worker.datasets.columns import enumerated
from worker.datasets.labelled import Labelled
from worker.errors import Code, SettingError
from worker.training.settings import LoopSettings

#: The files that an unfinished run keeps in the classifier's folder.
UNFINISHED = ".training"

#: Parts of a run that are kept as digests, and the parts that they depend on, whose difference explains theirs.
_FOLLOWS: Mapping[str, frozenset[str]] = {
    "base": frozenset(),
    "texts": frozenset(),
    "labels": frozenset({"texts"}),
    "choice of dev texts": frozenset({"texts", "labels", "seed"}),
    "order of the texts": frozenset({"texts", "labels", "seed", "choice of dev texts"}),
}
_WAYS = "add --restart to begin anew, or name another folder"


def mark_of(out: Path) -> Path:
    """Return the file that identifies the run in ``out``."""
    return out / UNFINISHED / "run"


def run_of(train: Labelled, dev: Labelled, base: Source, settings: LoopSettings) -> dict[str, Any]:
    """Return everything that determines the result of a training, by name, from the contents of the files as read."""
    parts = (train, dev)
    texts = [text.encode(errors="surrogatepass") for part in parts for text in part.texts]
    targets = [row.tobytes() for part in parts for row in part.targets]
    truth = [place.to_bytes(4) for part in parts for place in part.truth.tolist()]
    labelled = [b"".join(row) for row in zip(texts, truth, targets, strict=True)]
    flags = dataclasses.asdict(settings)
    for name in ("warmup_steps", "checkpoint_every_seconds"):  # follows from the others; does not matter
        del flags[name]
    return {
        "base": base.revision,
        "texts": _digest(sorted(texts)),
        "labels": _digest([repr((train.labels, train.kind, dev.kind)).encode(), *sorted(labelled)]),
        "choice of dev texts": _digest(sorted(texts[len(train) :])),
        "order of the texts": _digest(labelled),
        **{name.replace("_", " "): value for name, value in flags.items()},
    }


def claim(out: Path, run: dict[str, Any], *, restart: bool) -> bool:
    """Mark ``out`` as this run's, and return whether there is a checkpoint to continue from.

    Raises SettingError if ``out`` belongs to another run or cannot be written, or if the checkpoint is damaged.
    """
    mark, checkpoint = mark_of(out), out / UNFINISHED / "checkpoint.pt"
    try:
        if restart and mark.parent.exists():
            shutil.rmtree(mark.parent)
        if mark.exists():
            _check_same(out, mark, run)
        else:
            mark.parent.mkdir(parents=True, exist_ok=True)
            fresh = mark.with_suffix(".new")
            fresh.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
            os.replace(fresh, mark)
    except OSError as error:
        raise SettingError(
            Code.FILE_NOT_WRITABLE, f"{out} cannot be written ({error.strerror}): name another folder"
        ) from error
    if not checkpoint.exists():
        return False
    try:
        # Memory-mapped: checks the structure of the file without reading all of it.
        torch.load(checkpoint, weights_only=True, map_location="cpu", mmap=True)
    except Exception as error:  # each kind of damage raises another exception
        raise SettingError(
            Code.CHECKPOINT_DAMAGED,
            f"the checkpoint in {mark.parent} is damaged ({type(error).__name__}): add --restart to begin anew",
        ) from error
    return True


def _check_same(out: Path, mark: Path, run: Mapping[str, Any]) -> None:
    """Raise SettingError if the mark belongs to another run."""
    try:
        former = json.loads(mark.read_bytes())
    except ValueError:
        former = None
    if not isinstance(former, dict) or former.keys() != run.keys():
        raise SettingError(
            Code.ANOTHER_TRAINING, f"{out} holds an unfinished training of another version of this program: {_WAYS}"
        )
    if names := _differences(former, run):
        raise SettingError(
            Code.ANOTHER_TRAINING,
            f"{out} holds an unfinished training that differs in {enumerated(names)}: repeat it unchanged to continue, "
            f"{_WAYS}",
        )


def _differences(former: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    """Return the names of what differs, with both values if the user set them, and without mere consequences."""
    other = {name for name, value in run.items() if former[name] != value}
    return [
        name if name in _FOLLOWS else f"{name} ({former[name]}, now {run[name]})"
        for name in run
        if name in other and not _FOLLOWS.get(name, frozenset()) & other
    ]


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()

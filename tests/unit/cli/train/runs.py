"""Trainings of seconds and what they leave."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

QUICK = ("--epochs", "12", "--learning-rate", "5e-3", "--batch-size", "16", "--dev-share", "0.2", "--device", "cpu")


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def assert_refused_at_once(err: str) -> None:
    """One sentence, and not a word before it of a training that will not be."""
    assert err.count("\n") == 1, err
    assert "to choose by" not in err


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def edit_weights(folder: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    save_file(change(weights(folder)), folder / "model.safetensors", metadata={"format": "pt"})

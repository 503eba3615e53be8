"""A folder of a classifier is written for all to read, and replaced as a whole."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.classifier import Classifier, save_classifier, saved

NAME = "RoBERTa"


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=["for all", "for the group", "for the owner"])
def permissions(request: pytest.FixtureRequest) -> Iterator[int]:
    """Those that the umask gives to new files."""
    before = os.umask(request.param)
    yield 0o666 & ~request.param
    os.umask(before)


def test_weights_can_be_read_by_whom_the_umask_says(
    load: Callable[..., Classifier], tmp_path: Path, permissions: int
) -> None:
    save_classifier(load(NAME), tmp_path / "copy")

    given = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "copy").iterdir()}
    assert given == dict.fromkeys(given, permissions)
    assert "model.safetensors" in given


def folder_of(folder: Path, names: tuple[str, ...], content: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(content)
    return folder


def test_at_no_moment_does_a_folder_hold_parts_of_two_classifiers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json")
    folder = folder_of(tmp_path / "folder", ("a.txt", "config.json", *shards, "tokenizer.json", "vocab.txt"), "old")
    (folder / "a.txt").write_text("a note")
    fresh = folder_of(tmp_path / "fresh", ("config.json", "model.safetensors", "tokenizer.json"), "new")
    seen: list[set[str]] = []
    rename = os.replace

    def watched(source: Path, target: Path) -> None:
        rename(source, target)
        if (folder / "config.json").exists():
            seen.append({path.read_text() for path in folder.iterdir()} - {"a note"})

    monkeypatch.setattr(saved.os, "replace", watched)
    saved.replace_classifier(folder, fresh, tmp_path / "former")

    assert seen == [{"new"}]
    assert {path.name for path in folder.iterdir()} == {"a.txt", "config.json", "model.safetensors", "tokenizer.json"}
    assert "vocab.txt" in os.listdir(tmp_path / "former")

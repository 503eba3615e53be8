"""A folder of a classifier is written for all to read, and replaced as a whole."""

import os
import re
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from worker.classifier import Classifier, open_classifier, persistence, save_classifier
from worker.classifier.hardware import supported_precisions

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

    monkeypatch.setattr(os, "replace", watched)
    persistence.replace_classifier(folder, fresh, tmp_path / "former")

    assert seen == [{"new"}]
    assert {path.name for path in folder.iterdir()} == {"a.txt", "config.json", "model.safetensors", "tokenizer.json"}
    assert "vocab.txt" in os.listdir(tmp_path / "former")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_is_named_as_for_opening(
    load: Callable[..., Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("word", Path("path"), "~/own"):
        save_classifier(load(NAME), name)
        assert open_classifier(name if name != "word" else "./word", device="cpu").card.labels == load(NAME).card.labels
    assert {path.name for path in tmp_path.iterdir()} == {"word", "path", "home"}


def test_a_classifier_that_is_saved_over_leaves_nothing_of_itself_and_other_files_stay(
    load: Callable[..., Classifier], tmp_path: Path
) -> None:
    stale = ("config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "vocab.txt")
    folder = folder_of(tmp_path / "copy", (*stale, "training.json", "notes.md"), "old")
    save_classifier(load(NAME), folder)
    save_classifier(load(NAME), tmp_path / "alone")

    assert contents(folder) == contents(tmp_path / "alone") | {"notes.md": b"old"}


def test_a_classifier_can_be_saved_where_it_was_loaded_from(load: Callable[..., Classifier], tmp_path: Path) -> None:
    save_classifier(load(NAME), tmp_path / "copy")
    before = contents(tmp_path / "copy")
    save_classifier(open_classifier(tmp_path / "copy", device="cpu", precision="fp32"), tmp_path / "copy")

    assert contents(tmp_path / "copy") == before


def test_a_classifier_that_cannot_be_written_leaves_the_one_that_is_there(
    load: Callable[..., Classifier], tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "copy", ("config.json", "model.safetensors"), "old")
    classifier = load(NAME)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match="the weights cannot be written"):
            save_classifier(classifier, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert contents(folder) == {"config.json": b"old", "model.safetensors": b"old"}


def test_what_is_moved_halfway_is_not_lost(
    load: Callable[..., Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "copy", ("config.json", "vocab.txt"), "old")
    rename = os.replace

    def failing(source: Path, target: Path) -> None:
        if source.name == "tokenizer.json":
            raise PermissionError("no more")
        rename(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(PermissionError):
        save_classifier(load(NAME), folder)

    assert {path.name for path in folder.rglob("*") if path.is_file() and path.read_bytes() == b"old"} == {
        *("config.json", "vocab.txt")
    }


def test_a_file_is_no_folder_to_save_to(load: Callable[..., Classifier], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError):
        save_classifier(load(NAME), tmp_path / "file")

    assert contents(tmp_path) == {"file": b"mine"}


def test_saving_prints_nothing(
    load: Callable[..., Classifier], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = load(NAME)
    capfd.readouterr()
    save_classifier(classifier, tmp_path / "copy")

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("precision", ["auto", *supported_precisions(torch.device("cpu"))])
def test_the_example_of_the_page_runs_by_itself_at_every_precision(
    precision: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    example = re.search(r"^### Save and load\n\n```python\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    assert example is not None
    monkeypatch.setenv("SENTIMENT_DEVICE", "cpu")
    monkeypatch.setenv("SENTIMENT_PRECISION", precision)
    exec(example[1], {})

    assert capfd.readouterr().out == "True\n"

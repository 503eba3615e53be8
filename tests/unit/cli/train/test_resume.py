"""A training that was interrupted, or that finds one or a classifier in its folder."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import Run
from unit.cli.train.runs import QUICK, assert_refused_at_once, same, weights

from worker.classifier import open_classifier, persistence
from worker.errors import Code
from worker.training import finetune
from worker.training.loop import fit

CTRL_C_AT_STEP_10 = """
import os, signal, sys
from worker.cli import main
from worker.cli.commands.train.progress import Bar

def show(bar, now, show=Bar.show):
    show(bar, now)
    if now.step == 10:
        os.kill(os.getpid(), signal.SIGINT)

Bar.show = show
main()
"""


def test_after_an_interruption_the_same_command_ends_as_if_there_had_been_none(
    run: Run, tiny_base: Path, labelled_file: Path
) -> None:
    """Seven steps an epoch: it is interrupted in the second, in a process of its own, and goes on in another."""
    command = ["train", str(labelled_file), "--base", str(tiny_base), "--learning-rate", "5e-3", "--batch-size", "16"]
    command += ["--device", "cpu", "--epochs", "5", "--out"]
    first = subprocess.run(
        [sys.executable, "-c", CTRL_C_AT_STEP_10, *command, "halves"],
        stderr=subprocess.PIPE,
        text=True,
        # Sums depend on how many threads share them: as many as in this process, where the other half is trained.
        env=os.environ | {"COLUMNS": "160", "OMP_NUM_THREADS": str(torch.get_num_threads())},
    )

    assert first.returncode == 130, first.stderr
    assert "stopped after step 10 of 35; the same command goes on from there" in first.stderr
    assert not Path("halves/config.json").exists()
    assert torch.load("halves/.training/checkpoint.pt", weights_only=True)["step"] == 10

    second = run(*command, "halves")
    assert second.code == 0, second.err
    assert second.err.startswith("going on with")
    assert "step 7 of" not in second.err, "the first epoch was trained again"
    assert "step 14 of" in second.err
    assert run(*command, "whole").code == 0
    assert same(Path("halves"), Path("whole"))


def test_sigterm_stops_after_the_step_in_hand_too(
    interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command, signum=signal.SIGTERM)
    assert torch.load("mine/.training/checkpoint.pt", weights_only=True)["step"] == 1


def test_other_flags_do_not_go_on_with_an_unfinished_training_and_say_nothing_of_one(
    run: Run, interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    ran = run(*command, "--seed", "3")

    assert (ran.code, ran.error) == (2, Code.ANOTHER_TRAINING)
    assert "seed (20, now 3)" in ran.err
    assert_refused_at_once(ran.err)


@pytest.fixture
def interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command that is stopped during its first step, by Ctrl-C or another signal."""

    def run_interrupted(*arguments: object, signum: signal.Signals = signal.SIGINT) -> Any:
        def show(*_: object) -> None:
            os.kill(os.getpid(), signum)

        with monkeypatch.context() as patched:
            patched.setattr("worker.cli.commands.train.progress.Bar.show", show)
            ran = run(*arguments)
        assert ran.code == 128 + signum, ran.err
        return ran

    return run_interrupted


def test_restart_replaces_a_classifier_as_a_whole_once_the_new_one_is_done(
    run: Run, interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    assert run(*command, "--epochs", "1").code == 0
    Path("mine/vocab.txt").write_text("of an older tokenizer")
    Path("mine/model-00001-of-00002.safetensors").write_bytes(Path("mine/model.safetensors").read_bytes())
    Path("mine/notes.md").write_text("my own")
    former = weights(Path("mine"))
    assert run(*command).error == Code.OUTPUT_IS_TAKEN

    assert "the same command without --restart goes on from there" in interrupted(*command, "--restart").err
    open_classifier("mine", device="cpu", precision="fp32")
    np.testing.assert_array_equal(weights(Path("mine"))["classifier.bias"], former["classifier.bias"])

    assert run(*command).err.startswith("going on with")
    assert (weights(Path("mine"))["classifier.bias"] != former["classifier.bias"]).any()
    assert {path.name for path in Path("mine").iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.json", "notes.md")
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("--base", "mine"), Code.OUTPUT_IS_TAKEN, id="the base is the folder"),
        pytest.param(("--base", "broken"), Code.MODEL_DAMAGED, id="a base that is damaged"),
        pytest.param(("--learning-rate", "1e30"), Code.TRAINING_DIVERGED, id="a training that diverges"),
    ],
)
def test_a_restart_that_fails_leaves_the_former_classifier(
    run: Run, tiny_base: Path, labelled_file: Path, arguments: tuple[str, ...], code: Code
) -> None:
    command = ("train", labelled_file, "--out", "mine", *QUICK)
    assert run(*command, "--base", tiny_base, "--epochs", "1").code == 0
    Path("broken").mkdir()
    Path("broken/config.json").write_bytes((tiny_base / "config.json").read_bytes())
    Path("broken/model.safetensors").write_bytes((tiny_base / "model.safetensors").read_bytes()[:5000])
    for name in ("tokenizer.json", "tokenizer_config.json"):
        Path("broken", name).write_bytes((tiny_base / name).read_bytes())
    former = weights(Path("mine"))
    ran = run(*command, "--restart", *(() if "--base" in arguments else ("--base", tiny_base)), *arguments)

    assert (ran.code, ran.error) == (2, code)
    open_classifier("mine", device="cpu")
    np.testing.assert_array_equal(weights(Path("mine"))["classifier.bias"], former["classifier.bias"])


@pytest.mark.parametrize("files", [0, 2, None], ids=["before the first", "between two", "after the last"])
def test_a_run_that_was_killed_while_its_files_were_moved_is_finished_by_the_same_command(
    run: Run, tiny_base: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch, files: int | None
) -> None:
    command = ("train", labelled_file, "--base", tiny_base, *QUICK, "--epochs", "2", "--out")
    assert run(*command, "whole").code == 0
    rename, replace = os.replace, persistence.replace_classifier
    moved: list[Path] = []

    def moving(source: Path, target: Path) -> None:
        if target.parent == Path("mine"):
            if len(moved) == files:
                raise KeyboardInterrupt
            moved.append(target)
        rename(source, target)

    def replacing(*folders: Path) -> None:
        replace(*folders)
        raise KeyboardInterrupt  # the next thing would be to remove .training

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", moving)
        patched.setattr(finetune, "replace_classifier", replacing)
        assert run(*command, "mine").code == 130
    assert Path("mine/config.json").exists() is (files is None)
    assert Path("mine/.training").exists()

    again = run(*command, "mine")
    assert again.code == 0, again.err
    assert again.err.startswith("going on with")
    assert same(Path("mine"), Path("whole"))
    assert not Path("mine/.training").exists()


def test_the_same_file_read_in_another_way_is_another_training(
    run: Run, interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path
) -> None:
    turned = {"negative": "neutral", "neutral": "positive", "positive": "negative"}
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    rows = [row | {"title": row["text"] + " so", "mood": row["label"], "turned": turned[row["label"]]} for row in rows]
    wide = labelled_file.with_name("wide.jsonl")
    wide.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ("train", wide, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)

    assert "differs in texts: repeat" in run(*command, "--text-column", "title").err
    assert "differs in labels: repeat" in run(*command, "--label-column", "turned").err
    other = wide.with_name("other.jsonl")
    other.write_text("".join(json.dumps({"text": row["title"], "label": row["label"]}) + "\n" for row in rows))
    interrupted(*command, "--out", "chosen", "--dev", wide)
    assert "differs in texts: repeat" in run(*command, "--out", "chosen", "--dev", other).err
    assert "differs in choice of dev texts: repeat" in run(*command, "--dev-share", "0.4").err
    reordered = wide.with_name("reordered.jsonl")
    reordered.write_text("".join(json.dumps(row) + "\n" for row in rows[::-1]))
    assert (
        "differs in order of the texts: repeat"
        in run("train", reordered, "--out", "chosen", *command[4:], "--dev", wide).err
    )
    renamed = wide.rename(wide.with_name("renamed.jsonl"))
    assert run("train", renamed, *command[2:], "--label-column", "mood").err.startswith("going on with")


@pytest.mark.parametrize("mark", ["", "[]", "{}", "0123abcd"])
def test_a_mark_that_says_nothing_is_another_versions(
    run: Run, interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path, mark: str
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    Path("mine/.training/run").write_text(mark)

    ran = run(*command)
    assert ran.error == Code.ANOTHER_TRAINING
    assert "another version" in ran.err
    assert run(*command, "--restart").code == 0


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut"),
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: bytes(len(whole)), id="zeros"),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence(
    run: Run, interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path, damaged: Callable[[bytes], bytes]
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    checkpoint = Path("mine/.training/checkpoint.pt")
    checkpoint.write_bytes(damaged(checkpoint.read_bytes()))
    ran = run(*command)

    assert (ran.code, ran.error) == (2, Code.CHECKPOINT_DAMAGED)
    assert "mine/.training" in ran.err
    assert run(*command, "--restart").code == 0


@contextmanager
def small_disk() -> Iterator[None]:
    """No file can be larger than 20 kB, which a tokenizer is not and weights are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on(
    run: Run, interrupted: Callable[..., Any], tiny_base: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    with small_disk():
        at_a_checkpoint = run(*command)

    with monkeypatch.context() as patched, small_disk():

        def fit_without_checkpoints(*arguments: Any, **more: Any) -> Any:
            return fit(*arguments, **more | {"folder": None})

        patched.setattr(finetune, "fit", fit_without_checkpoints)
        at_the_end = run(*command)

    for ran in (at_a_checkpoint, at_the_end):
        assert (ran.code, ran.error) == (2, Code.FILE_NOT_WRITABLE), ran.err
        assert "continues from the last checkpoint" in ran.err
    assert run(*command).err.startswith("going on with")

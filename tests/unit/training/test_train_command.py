"""``train``: a file of labelled texts and a base become a classifier that the worker runs."""

import json
import os
import resource
import shutil
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
import transformers
from safetensors.numpy import load_file, save_file

from worker.classifier import open_classifier, outputs_of, persistence
from worker.datasets.labelled import read_labelled
from worker.evaluation.metrics import confusion, expected_calibration_error, macro_f1
from worker.training import finetune
from worker.training.calibration import calibration
from worker.training.errors import smaller_batches
from worker.training.loop import fit

QUICK = ("--epochs", "12", "--learning-rate", "5e-3", "--batch-size", "16", "--dev-share", "0.2", "--device", "cpu")


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_what_was_trained_is_run_by_the_worker_and_has_learnt(run, tiny_base: Path, labelled_file: Path) -> None:
    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)

    assert ran.code == 0, ran.err
    assert "dev macro F1" in ran.err
    data = read_labelled(labelled_file)
    classifier = open_classifier("mine", device="cpu", precision="fp32")
    given = outputs_of(classifier, data.texts, labels=data.truth)
    assert classifier.card.labels == ("negative", "neutral", "positive")
    assert (given.scores.argmax(axis=1) == data.truth).mean() > 0.9
    story = json.loads(Path("mine/training.json").read_text())
    assert story["dev_macro_f1"] > 0.9
    assert story["train_texts"] + story["dev_texts"] == len(data)
    assert not Path("mine/.training").exists()
    assert json.loads(Path("mine/tokenizer.json").read_text())["truncation"] is None


@pytest.fixture
def few(labelled_file: Path) -> Path:
    """15 complaints and 15 words of praise."""
    names = {"negative": "complaint", "positive": "praise"}
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    polar = [row | {"label": names[row["label"]]} for row in [*rows[:15], *rows[-15:]]]
    file = labelled_file.with_name("few.jsonl")
    file.write_text("".join(json.dumps(row) + "\n" for row in polar))
    return file


def test_few_texts_are_trained_on_long_enough_and_nothing_is_made_of_few_dev_texts(
    run, tiny_base: Path, few: Path
) -> None:
    ran = run("train", few, "--out", "mine", "--base", tiny_base, "--device", "cpu")

    assert ran.code == 0, ran.err
    story = json.loads(Path("mine/training.json").read_text())
    assert (story["train_texts"], story["dev_texts"], story["temperature"]) == (26, 4, 1.0)
    assert (story["settings"]["epochs"], story["settings"]["batch_size"]) == (25, 8)
    assert story["settings"]["warmup_steps"] == 20
    assert "warning: 4 texts to choose by say little of other texts" in ran.err
    assert "optimizer steps" not in ran.err
    assert "on 4 texts (best at step" in ran.err


def test_a_training_of_a_few_steps_is_warned_of_and_flags_are_kept(run, tiny_base: Path, few: Path) -> None:
    flags = ("--epochs", "4", "--batch-size", "16", "--accumulate", "2", "--device", "cpu")
    ran = run("train", few, "--dev", few, "--out", "mine", "--base", tiny_base, *flags)

    settings = json.loads(Path("mine/training.json").read_text())["settings"]
    assert (settings["epochs"], settings["batch_size"], settings["accumulate"]) == (4, 16, 2)
    assert settings["warmup_steps"] == 1
    assert "warning: a training of 4 optimizer steps may be too short" in ran.err
    assert "are among those to train on" in ran.err


def test_enough_texts_are_not_warned_of_and_scores_are_calibrated(run, tiny_base: Path, labelled_file: Path) -> None:
    # Others than those to train on, but like them.
    dev = labelled_file.with_name("dev.jsonl")
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    dev.write_text("".join(json.dumps(row | {"text": f"so {row['text']}"}) + "\n" for row in rows))
    flags = ("--dev", dev, "--learning-rate", "5e-3", "--device", "cpu")
    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, *flags)

    assert "warning" not in ran.err
    assert json.loads(Path("mine/training.json").read_text())["temperature"] != 1.0


def test_where_labels_say_no_sentiment_the_end_names_the_flag_to_fill_in(
    run, tiny_base: Path, few: Path, labelled_file: Path
) -> None:
    base = ("--base", tiny_base, "--device", "cpu", "--epochs", "1")
    flag = """--label-polarity '{"complaint": ..., "praise": ...}'"""
    ending = run("train", few, "--out", "own", *base).err.splitlines()[-2:]

    assert "complaint, praise" in ending[0]
    assert "choose numbers" in ending[0]
    assert ending[1].strip() == flag
    assert "--label-polarity" not in run("train", labelled_file, "--out", "known", *base).err


def test_one_of_a_thing_is_said_as_one(run, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\nso good,meh\n")
    files = ("one.csv", "--dev", "one.csv", "--labels", "meh,positive", "--out", "mine")
    ran = run("train", *files, "--base", tiny_base, "--device", "cpu", "--epochs", "1", "--batch-size", "1")

    assert ran.code == 0, ran.err
    assert "1 text, 1 to choose by" in ran.err
    assert "1 epoch in batches of 1," in ran.err
    assert "a training of 1 optimizer step may" in ran.err
    assert "1 text to choose by says little" in ran.err
    assert "on 1 text (best" in ran.err
    assert "whether meh is good or bad, so its sentiment is neutral and its polarity 0: choose a number" in ran.err


def test_the_same_seed_gives_the_same_classifier_and_another_one_does_not(
    run, tiny_base: Path, labelled_file: Path
) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        assert run("train", labelled_file, "--out", name, "--base", tiny_base, *QUICK, "--seed", seed).code == 0

    assert same(Path("one"), Path("again"))
    assert not same(Path("one"), Path("other"))


CTRL_C_AT_STEP_10 = """
import os, signal, sys
from worker.cli import main
from worker.cli.train import _Bar

def show(bar, now, show=_Bar.show):
    show(bar, now)
    if now.step == 10:
        os.kill(os.getpid(), signal.SIGINT)

_Bar.show = show
main()
"""


def test_after_an_interruption_the_same_command_ends_as_if_there_had_been_none(
    run, tiny_base: Path, labelled_file: Path
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


def test_sigterm_stops_after_the_step_in_hand_too(interrupted, tiny_base: Path, labelled_file: Path) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command, signum=signal.SIGTERM)
    assert torch.load("mine/.training/checkpoint.pt", weights_only=True)["step"] == 1


def test_other_flags_do_not_go_on_with_an_unfinished_training_and_say_nothing_of_one(
    run, interrupted, tiny_base: Path, labelled_file: Path
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    ran = run(*command, "--seed", "3")

    assert ran.code == 2
    assert "mine holds an unfinished training that differs in seed (20, now 3): repeat" in ran.err
    assert_refused_at_once(ran.err)


def test_it_stops_early_when_dev_scores_no_longer_rise(run, tiny_base: Path, labelled_file: Path) -> None:
    run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, "--epochs", "80", "--patience", "2")

    story = json.loads(Path("mine/training.json").read_text())
    assert story["stopped_early"]
    assert story["steps"] < 80 * 6


def test_custom_heads_have_the_names_that_are_given(run, tiny_base: Path, tmp_path: Path) -> None:
    rows = "".join(f"{word} {place},{place % 4}\n" for place in range(80) for word in ["it"])
    (tmp_path / "topics.csv").write_text("body,topic\n" + rows)
    columns = ("--text-column", "body", "--label-column", "topic")
    base = ("--base", tiny_base, *QUICK, "--epochs", "1")

    assert run("train", "topics.csv", "-o", "named", "--labels", "a,b,c,d", *columns, *base).code == 0
    assert run("train", "topics.csv", "-o", "counted", "--num-labels", "4", *columns, *base).code == 0
    assert json.loads(Path("named/config.json").read_text())["id2label"] == {"0": "a", "1": "b", "2": "c", "3": "d"}
    assert json.loads(Path("counted/config.json").read_text())["id2label"]["3"] == "LABEL_3"


@pytest.mark.parametrize("dev_texts", [12, 60], ids=["too few to calibrate by", "calibrated"])
def test_vote_shares_are_learnt_as_shares(run, tiny_base: Path, tmp_path: Path, dev_texts: int) -> None:
    rows = [{"text": f"{word} it", "no": 3, "yes": 1} for word in ("the", "a", "and", "was", "of", "so")] * 10
    for name, count in (("votes", 60), ("dev", dev_texts)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:count]))
    files = ("votes.jsonl", "--dev", "dev.jsonl", "-o", "mine", "--labels", "no,yes")
    ran = run("train", *files, "--base", tiny_base, *QUICK)

    assert "targets from vote shares" in ran.err
    scores = outputs_of(open_classifier("mine", device="cpu", precision="fp32"), ["so it"]).scores
    np.testing.assert_allclose(scores, [[0.75, 0.25]], atol=0.08)


def test_the_dev_file_that_is_given_is_the_one_that_is_used(run, tiny_base: Path, labelled_file: Path) -> None:
    dev = labelled_file.with_name("dev.jsonl")
    dev.write_text("".join(labelled_file.read_text().splitlines(keepends=True)[::10]))
    run("train", labelled_file, "--dev", dev, "--out", "mine", "--base", tiny_base, *QUICK, "--epochs", "1")

    story = json.loads(Path("mine/training.json").read_text())
    assert (story["train_texts"], story["dev_texts"]) == (120, 12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("texts.jsonl", "--out", "taken"), "already holds a classifier", id="a folder that is taken"),
        pytest.param(("texts.jsonl", "--out", "o", "--labels", "a"), "two or more different", id="one label"),
        pytest.param(("texts.jsonl", "--out", "o", "--labels", "a,,b"), "an empty name", id="a comma too many"),
        pytest.param(("texts.jsonl", "--out", "o", "--labels", "a,b, "), "an empty name", id="a comma at the end"),
        pytest.param(
            ("texts.jsonl", "--out", "o", "--labels", "a,b", "--num-labels", "3"), "give one of them", id="two counts"
        ),
        pytest.param(("none.jsonl", "--out", "o"), "none.jsonl cannot be read", id="no such file"),
        pytest.param(("texts.jsonl", "--out", "o", "--base", "./none"), "is not a folder", id="no such base"),
        pytest.param(("texts.jsonl", "--out", "texts.jsonl/o"), "cannot be written", id="no such place"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run, tiny_base: Path, labelled_file: Path, arguments: tuple[str, ...], words: str
) -> None:
    Path("taken").mkdir()
    Path("taken/config.json").write_text("{}")
    base = () if "--base" in arguments else ("--base", tiny_base)
    ran = run("train", *arguments, *base, *QUICK)

    assert ran.code == 2
    assert words in ran.err
    assert_refused_at_once(ran.err)


def assert_refused_at_once(err: str) -> None:
    """One sentence, and not a word before it of a training that will not be."""
    assert err.count("\n") == 1, err
    assert "to choose by" not in err


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def edit_weights(folder: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    save_file(change(weights(folder)), folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        pytest.param(
            lambda base: [file.unlink() for file in base.glob("tokenizer*")],
            "no tokenizer that can be loaded (it has no vocabulary)",
            id="no tokenizer",
        ),
        pytest.param(
            lambda base: (base / "tokenizer.json").write_text("{"), "no tokenizer that can be", id="a broken one"
        ),
        pytest.param(
            lambda base: (
                edit_weights(
                    base,
                    lambda named: {
                        name: value[:9] if "word_embeddings" in name else value for name, value in named.items()
                    },
                )
                or (base / "config.json").write_text(
                    (base / "config.json").read_text().replace('"vocab_size": 28', '"vocab_size": 9')
                )
            ),
            "gives ids up to 27",
            id="the tokenizer of a larger model",
        ),
        pytest.param(
            lambda base: half(base / "model.safetensors"), "was the file copied whole?", id="half of the weights"
        ),
        pytest.param(
            lambda base: (base / "model.safetensors").rename(base / "tf_model.h5"),
            "TensorFlow weights",
            id="TensorFlow",
        ),
        pytest.param(
            lambda base: (base / "config.json").write_text("{"), "cannot be loaded as a", id="a broken config"
        ),
        pytest.param(lambda base: (base / "config.json").unlink(), "has no config.json", id="no config"),
    ],
)
def test_a_base_that_the_worker_could_not_run_is_refused_at_once_in_the_same_words(
    run, tiny_base: Path, labelled_file: Path, break_it: Callable[[Path], object], words: str
) -> None:
    base = Path(shutil.copytree(tiny_base, "b6"))
    break_it(base)
    ran = run("train", labelled_file, "--out", "mine", "--base", "./b6", *QUICK)

    assert ran.code == 2
    assert words in ran.err
    assert_refused_at_once(ran.err)
    assert (
        ran.err.splitlines()[-1] == run("classify", "--model", "./b6", "--device", "cpu", "Fine.").err.splitlines()[-1]
    )
    assert not Path("mine").exists()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda named: {name: value for name, value in named.items() if "layer.1.output" not in name}, id="missing"
        ),
        pytest.param(
            lambda named: {name: value[:9] if "layer.1.output" in name else value for name, value in named.items()},
            id="of another size",
        ),
        pytest.param(lambda named: {f"other.{name}": value for name, value in named.items()}, id="of another model"),
    ],
)
def test_a_base_whose_weights_would_be_made_up_below_the_head_is_refused_at_once(
    run, tiny_base: Path, labelled_file: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
) -> None:
    edit_weights(Path(shutil.copytree(tiny_base, "b6")), change)
    ran = run("train", labelled_file, "--out", "mine", "--base", "./b6", *QUICK)

    assert ran.code == 2
    assert "the model b6 has no weights for bert." in ran.err
    assert_refused_at_once(ran.err)


def test_a_base_without_head_and_pooler_is_trained(run, tiny_base: Path, labelled_file: Path) -> None:
    edit_weights(
        Path(shutil.copytree(tiny_base, "encoder")),
        lambda named: {
            name.removeprefix("bert."): value
            for name, value in named.items()
            if name.startswith("bert.") and "pooler" not in name
        },
    )
    ran = run("train", labelled_file, "--out", "mine", "--base", "./encoder", *QUICK, "--epochs", "1")

    assert ran.code == 0, ran.err
    open_classifier("./mine", device="cpu")


@pytest.fixture
def interrupted(run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command that is stopped during its first step, by Ctrl-C or another signal."""

    def run_interrupted(*arguments: object, signum: signal.Signals = signal.SIGINT) -> Any:
        def show(*_: object) -> None:
            os.kill(os.getpid(), signum)

        with monkeypatch.context() as patched:
            patched.setattr("worker.cli.train._Bar.show", show)
            ran = run(*arguments)
        assert ran.code == 128 + signum, ran.err
        return ran

    return run_interrupted


def test_restart_replaces_a_classifier_as_a_whole_once_the_new_one_is_done(
    run, interrupted, tiny_base: Path, labelled_file: Path
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    assert run(*command, "--epochs", "1").code == 0
    Path("mine/vocab.txt").write_text("of an older tokenizer")
    Path("mine/model-00001-of-00002.safetensors").write_bytes(Path("mine/model.safetensors").read_bytes())
    Path("mine/notes.md").write_text("my own")
    former = weights(Path("mine"))
    assert "add --restart to replace it" in run(*command).err

    assert "the same command without --restart goes on from there" in interrupted(*command, "--restart").err
    open_classifier("mine", device="cpu", precision="fp32")
    np.testing.assert_array_equal(weights(Path("mine"))["classifier.bias"], former["classifier.bias"])

    assert run(*command).err.startswith("going on with")
    assert (weights(Path("mine"))["classifier.bias"] != former["classifier.bias"]).any()
    assert {path.name for path in Path("mine").iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.json", "notes.md")
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("--base", "mine"), "mine is the base itself", id="the base is the folder"),
        pytest.param(("--base", "broken"), "was the file copied whole?", id="a base that is damaged"),
        pytest.param(("--learning-rate", "1e30"), "the training diverged", id="a training that diverges"),
    ],
)
def test_a_restart_that_fails_leaves_the_former_classifier(
    run, tiny_base: Path, labelled_file: Path, arguments: tuple[str, ...], words: str
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

    assert ran.code == 2
    assert words in ran.err
    open_classifier("mine", device="cpu")
    np.testing.assert_array_equal(weights(Path("mine"))["classifier.bias"], former["classifier.bias"])


@pytest.mark.parametrize("files", [0, 2, None], ids=["before the first", "between two", "after the last"])
def test_a_run_that_was_killed_while_its_files_were_moved_is_finished_by_the_same_command(
    run, tiny_base: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch, files: int | None
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
        patched.setattr(persistence.os, "replace", moving)
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
    run, interrupted, tiny_base: Path, labelled_file: Path
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
    run, interrupted, tiny_base: Path, labelled_file: Path, mark: str
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    Path("mine/.training/run").write_text(mark)

    assert "mine holds an unfinished training of another version of this program: add --restart" in run(*command).err
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
    run, interrupted, tiny_base: Path, labelled_file: Path, damaged: Callable[[bytes], bytes]
) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    interrupted(*command)
    checkpoint = Path("mine/.training/checkpoint.pt")
    checkpoint.write_bytes(damaged(checkpoint.read_bytes()))
    ran = run(*command)

    assert ran.code == 2
    assert "the checkpoint in mine/.training is damaged" in ran.err
    assert "add --restart" in ran.err
    assert run(*command, "--restart").code == 0


@pytest.mark.parametrize(
    ("flags", "way_out"),
    [
        pytest.param((), "use --batch-size 8 --accumulate 2,", id="smaller batches"),
        pytest.param(("--batch-size", "1"), "use a smaller --max-tokens or another --base,", id="none is smaller"),
    ],
)
def test_too_little_memory_is_one_sentence_that_names_flags_for_the_same_steps(
    run, tiny_base: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], way_out: str
) -> None:
    def full(*_: object, **__: object) -> None:
        torch.empty(1 << 60)

    monkeypatch.setattr(finetune, "fit", full)
    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, *flags)

    assert ran.code == 2
    assert "cpu has no memory left for batches of" in ran.err
    assert way_out in ran.err


def test_smaller_batches_make_steps_of_as_many_texts() -> None:
    for batch_size in (2, 7, 9, 30, 32):
        smaller, accumulate = smaller_batches(batch_size, 3)
        assert smaller < batch_size
        assert smaller * accumulate == batch_size * 3
    assert smaller_batches(1, 3) == (1, 3)


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
    run, interrupted, tiny_base: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
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
        assert ran.code == 2, ran.err
        assert "mine cannot be written (" in ran.err
        assert "goes on from the last checkpoint" in ran.err
    assert run(*command).err.startswith("going on with")


def test_scores_are_calibrated_by_labels_and_said_to_be_so_on_the_same_texts(
    run, tiny_base: Path, labelled_file: Path
) -> None:
    ratings = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    rated = labelled_file.with_name("rated.jsonl")
    rated.write_text("".join(json.dumps({"text": row["text"], "rating": ratings[row["label"]]}) + "\n" for row in rows))
    ran = run("train", rated, "--dev", rated, "--out", "mine", "--base", tiny_base, *QUICK)

    data = read_labelled(rated)
    given = outputs_of(open_classifier("mine", device="cpu", precision="fp32"), data.texts)
    story = json.loads(Path("mine/training.json").read_text())
    assert story["temperature"] != 1.0
    assert calibration(given.logits, data.truth) == 1.0
    assert story["dev_ece"] == pytest.approx(expected_calibration_error(given.scores, data.truth), abs=5e-3)
    assert "the dev texts also chose the weights and the temperature" in ran.err


def test_dev_scores_are_those_of_the_saved_classifier_on_whole_texts(run, tiny_base: Path, labelled_file: Path) -> None:
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    rows[::2] = [row | {"text": "the a was and it of this so very " * 2 + row["text"]} for row in rows[::2]]
    half_long = labelled_file.with_name("half-long.jsonl")
    half_long.write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ("--dev", half_long, "--max-tokens", "16", "--out", "mine", "--base", tiny_base)
    run("train", labelled_file, *flags, *QUICK, "--epochs", "24")

    data = read_labelled(half_long)
    scores = outputs_of(open_classifier("mine", device="cpu", precision="fp32"), data.texts).scores
    table = confusion(data.truth, scores.argmax(axis=1), 3)
    story = json.loads(Path("mine/training.json").read_text())
    assert story["dev_macro_f1"] == pytest.approx(macro_f1(table), abs=0.01)
    assert story["dev_accuracy"] == pytest.approx(np.diag(table).sum() / len(data), abs=0.01)


def test_how_much_transformers_says_is_left_as_it_was(run, tiny_base: Path, labelled_file: Path) -> None:
    before = (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled())
    run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, "--epochs", "1")

    assert (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()) == before


def test_names_that_look_like_markup_are_shown_as_they_are(run, tiny_base: Path, tmp_path: Path) -> None:
    file = tmp_path / "tags.jsonl"
    words = ("the", "a", "was", "and", "it", "of", "this", "so", "very")
    sentences = [(f"{mood} {word}", label) for mood, label in (("good", "[/b]"), ("bad", "[i]")) for word in words]
    rows = [{"text": text, "label": label} for text, label in sentences]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    ran = run("train", file, "--out", "[x]", "--base", tiny_base, "--epochs", "1", "--device", "cpu")
    assert ran.code == 0, ran.err
    assert "labels [/b], [i]" in ran.err
    assert "--model '[x]'" in ran.err


def test_a_number_in_the_dev_file_is_no_place_among_labels_that_the_texts_brought(
    run, tiny_base: Path, labelled_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "dev.csv").write_text("text,label\ngood,positive\nbad,0\n")

    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, "--dev", "dev.csv", "--device", "cpu")
    assert ran.code != 0
    assert "dev.csv, line 3: the label '0' is none of" in ran.err

"""``train``: a file of labelled texts and a base become a classifier that the worker runs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from worker.classifier import open_classifier, outputs_of
from worker.training.labelled import read_labelled

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
    flags = ("--epochs", "4", "--batch-size", "32", "--device", "cpu")
    ran = run("train", few, "--dev", few, "--out", "mine", "--base", tiny_base, *flags)

    settings = json.loads(Path("mine/training.json").read_text())["settings"]
    assert (settings["epochs"], settings["batch_size"], settings["warmup_steps"]) == (4, 32, 1)
    assert "warning: a training of 4 optimizer steps hardly changes the base" in ran.err


def test_enough_texts_are_not_warned_of_and_scores_are_calibrated(run, tiny_base: Path, labelled_file: Path) -> None:
    flags = ("--dev", labelled_file, "--learning-rate", "5e-3", "--device", "cpu")
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


def test_the_same_seed_gives_the_same_classifier_and_another_one_does_not(
    run, tiny_base: Path, labelled_file: Path
) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        assert run("train", labelled_file, "--out", name, "--base", tiny_base, *QUICK, "--seed", seed).code == 0

    assert same(Path("one"), Path("again"))
    assert not same(Path("one"), Path("other"))


def test_after_an_interruption_the_same_command_ends_as_if_there_had_been_none(
    run, tiny_base: Path, labelled_file: Path
) -> None:
    command = ["train", str(labelled_file), "--base", str(tiny_base), "--learning-rate", "5e-3", "--batch-size", "4"]
    command += ["--device", "cpu", "--epochs", "24", "--patience", "24", "--out"]
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", *command, "halves"],
        stderr=subprocess.PIPE,
        text=True,
        # Sums depend on how many threads share them: as many as in this process, where the other half is trained.
        env=os.environ | {"COLUMNS": "160", "OMP_NUM_THREADS": str(torch.get_num_threads())},
    )
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("step "):
            break
    process.send_signal(signal.SIGINT)
    lines += process.stderr.readlines()
    stopped_at = lines[-1]

    assert process.wait() == 130
    assert "the same command goes on from there" in stopped_at
    assert not Path("halves/config.json").exists()
    step = int(stopped_at.split("after step ")[1].split()[0])
    assert torch.load("halves/.training/checkpoint.pt", weights_only=True)["step"] == step
    assert "of other data or flags" in run(*command, "halves", "--seed", "3").err

    second = run(*command, "halves")
    assert second.code == 0, second.err
    assert second.err.startswith("going on with")
    assert "step 27 of" not in second.err, "the first epoch was trained again"
    assert run(*command, "whole").code == 0
    assert same(Path("halves"), Path("whole"))


def test_gradients_of_small_batches_add_up(run, tiny_base: Path, labelled_file: Path) -> None:
    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, "--accumulate", "2")

    story = json.loads(Path("mine/training.json").read_text())
    batches = -(-story["train_texts"] // 16) * 12
    assert f"of {-(-batches // 2)}: loss" in ran.err


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


def test_vote_shares_are_learnt_as_shares(run, tiny_base: Path, tmp_path: Path) -> None:
    rows = [{"text": f"{word} it", "no": 3, "yes": 1} for word in ("the", "a", "and", "was", "of", "so")] * 10
    (tmp_path / "votes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = run("train", "votes.jsonl", "-o", "mine", "--labels", "no,yes", "--base", tiny_base, *QUICK)

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
    assert words in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_restart_replaces_what_is_there(run, tiny_base: Path, labelled_file: Path) -> None:
    command = ("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK)
    assert run(*command, "--epochs", "1").code == 0
    assert run(*command).code == 2
    assert run(*command, "--restart").code == 0

"""``train``: a file of labelled texts and a base become a classifier that the worker runs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import transformers
from command_line import Run
from unit.cli.train.runs import QUICK, edit_weights, same

from worker.classifier import open_classifier, outputs_of
from worker.datasets.labelled import read_labelled
from worker.errors import Code
from worker.evaluation.metrics import confusion, expected_calibration_error, macro_f1
from worker.training.calibration import calibration


def test_what_was_trained_is_run_by_the_worker_and_has_learnt(run: Run, tiny_base: Path, labelled_file: Path) -> None:
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
    run: Run, tiny_base: Path, few: Path
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


def test_a_training_of_a_few_steps_is_warned_of_and_flags_are_kept(run: Run, tiny_base: Path, few: Path) -> None:
    flags = ("--epochs", "4", "--batch-size", "16", "--accumulate", "2", "--device", "cpu")
    ran = run("train", few, "--dev", few, "--out", "mine", "--base", tiny_base, *flags)

    settings = json.loads(Path("mine/training.json").read_text())["settings"]
    assert (settings["epochs"], settings["batch_size"], settings["accumulate"]) == (4, 16, 2)
    assert settings["warmup_steps"] == 1
    assert "warning: a training of 4 optimizer steps may be too short" in ran.err
    assert "also in the training set" in ran.err


def test_enough_texts_are_not_warned_of_and_scores_are_calibrated(
    run: Run, tiny_base: Path, labelled_file: Path
) -> None:
    # Others than those to train on, but like them.
    dev = labelled_file.with_name("dev.jsonl")
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    dev.write_text("".join(json.dumps(row | {"text": f"so {row['text']}"}) + "\n" for row in rows))
    flags = ("--dev", dev, "--learning-rate", "5e-3", "--device", "cpu")
    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, *flags)

    assert "warning" not in ran.err
    assert json.loads(Path("mine/training.json").read_text())["temperature"] != 1.0


def test_where_labels_say_no_sentiment_the_end_names_the_flag_to_fill_in(
    run: Run, tiny_base: Path, few: Path, labelled_file: Path
) -> None:
    base = ("--base", tiny_base, "--device", "cpu", "--epochs", "1")
    flag = """--label-polarity '{"complaint": ..., "praise": ...}'"""
    ending = run("train", few, "--out", "own", *base).err.splitlines()[-2:]

    assert "complaint, praise" in ending[0]
    assert "choose numbers" in ending[0]
    assert ending[1].strip() == flag
    assert "--label-polarity" not in run("train", labelled_file, "--out", "known", *base).err


def test_one_of_a_thing_is_said_as_one(run: Run, tiny_base: Path, tmp_path: Path) -> None:
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
    run: Run, tiny_base: Path, labelled_file: Path
) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        assert run("train", labelled_file, "--out", name, "--base", tiny_base, *QUICK, "--seed", seed).code == 0

    assert same(Path("one"), Path("again"))
    assert not same(Path("one"), Path("other"))


def test_it_stops_early_when_dev_scores_no_longer_rise(run: Run, tiny_base: Path, labelled_file: Path) -> None:
    run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, "--epochs", "80", "--patience", "2")

    story = json.loads(Path("mine/training.json").read_text())
    assert story["stopped_early"]
    assert story["steps"] < 80 * 6


def test_custom_heads_have_the_names_that_are_given(run: Run, tiny_base: Path, tmp_path: Path) -> None:
    rows = "".join(f"{word} {place},{place % 4}\n" for place in range(80) for word in ["it"])
    (tmp_path / "topics.csv").write_text("body,topic\n" + rows)
    columns = ("--text-column", "body", "--label-column", "topic")
    base = ("--base", tiny_base, *QUICK, "--epochs", "1")

    assert run("train", "topics.csv", "-o", "named", "--labels", "a,b,c,d", *columns, *base).code == 0
    assert run("train", "topics.csv", "-o", "counted", "--num-labels", "4", *columns, *base).code == 0
    assert json.loads(Path("named/config.json").read_text())["id2label"] == {"0": "a", "1": "b", "2": "c", "3": "d"}
    assert json.loads(Path("counted/config.json").read_text())["id2label"]["3"] == "LABEL_3"


@pytest.mark.parametrize("dev_texts", [12, 60], ids=["too few to calibrate by", "calibrated"])
def test_vote_shares_are_learnt_as_shares(run: Run, tiny_base: Path, tmp_path: Path, dev_texts: int) -> None:
    rows = [{"text": f"{word} it", "no": 3, "yes": 1} for word in ("the", "a", "and", "was", "of", "so")] * 10
    for name, count in (("votes", 60), ("dev", dev_texts)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:count]))
    files = ("votes.jsonl", "--dev", "dev.jsonl", "-o", "mine", "--labels", "no,yes")
    ran = run("train", *files, "--base", tiny_base, *QUICK)

    assert "targets from vote shares" in ran.err
    scores = outputs_of(open_classifier("mine", device="cpu", precision="fp32"), ["so it"]).scores
    np.testing.assert_allclose(scores, [[0.75, 0.25]], atol=0.08)


def test_the_dev_file_that_is_given_is_the_one_that_is_used(run: Run, tiny_base: Path, labelled_file: Path) -> None:
    dev = labelled_file.with_name("dev.jsonl")
    dev.write_text("".join(labelled_file.read_text().splitlines(keepends=True)[::10]))
    run("train", labelled_file, "--dev", dev, "--out", "mine", "--base", tiny_base, *QUICK, "--epochs", "1")

    story = json.loads(Path("mine/training.json").read_text())
    assert (story["train_texts"], story["dev_texts"]) == (120, 12)


def test_a_base_without_head_and_pooler_is_trained(run: Run, tiny_base: Path, labelled_file: Path) -> None:
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


def test_scores_are_calibrated_by_labels_and_said_to_be_so_on_the_same_texts(
    run: Run, tiny_base: Path, labelled_file: Path
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


def test_dev_scores_are_those_of_the_saved_classifier_on_whole_texts(
    run: Run, tiny_base: Path, labelled_file: Path
) -> None:
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


def test_how_much_transformers_says_is_left_as_it_was(run: Run, tiny_base: Path, labelled_file: Path) -> None:
    before = (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled())
    run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, "--epochs", "1")

    assert (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()) == before


def test_names_that_look_like_markup_are_shown_as_they_are(run: Run, tiny_base: Path, tmp_path: Path) -> None:
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
    run: Run, tiny_base: Path, labelled_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "dev.csv").write_text("text,label\ngood,positive\nbad,0\n")

    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, "--dev", "dev.csv", "--device", "cpu")
    assert ran.code != 0
    assert ran.error == Code.INVALID_ROW
    assert "dev.csv, line 3: the label '0'" in ran.err

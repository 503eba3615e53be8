"""Models whose labels are others than the data's."""

import json
import re
import shutil
from pathlib import Path

import pytest
from command_line import Run
from error_codes import raises_code
from unit.cli.evaluate.runs import CPU, rated

from worker.classifier import open_classifier, outputs_of
from worker.datasets.examples import LABELS
from worker.datasets.labelled import read_labelled
from worker.errors import Code, SettingError
from worker.evaluation import comparison
from worker.evaluation.behaviour import read_suite
from worker.evaluation.label_space import labels_of


def test_a_label_without_texts_does_not_count_and_the_interval_is_honest(
    run: Run, model: str, labelled_file: Path, tmp_path: Path
) -> None:
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    data = read_labelled(labelled_file)
    answers = outputs_of(open_classifier(model, device="cpu", precision="fp32"), data.texts).scores.argmax(axis=1)
    sure = [row for row, answer in zip(rows, answers, strict=True) if row["label"] == LABELS[answer] != "neutral"][:30]
    (tmp_path / "polar.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sure))
    command = ("evaluate", "polar.jsonl", "-m", model, *CPU)
    (given,) = json.loads(run(*command, "--labels", ",".join(LABELS), "--format", "json").out)

    assert (given["texts"], given["accuracy"], given["macro_f1"]) == (30, 1.0, 1.0)
    assert given["accuracy_interval"] == pytest.approx([0.886, 1.0], abs=5e-4)
    assert given["classes"][1] == {"label": "neutral", "support": 0, "precision": None, "recall": None, "f1": None}
    for report in ("r.md", "r.html"):
        printed = run(*command, "--labels", ",".join(LABELS), "--report", report)
        assert "1.000 (0.886-1.000)" in printed.out
        assert "1.000 (0.886-1.000)" in Path(report).read_text()
        assert re.search(r"neutral +0 +mine +- +- +-", printed.out)


def test_two_way_agreement_does_not_hang_on_how_labels_are_spelt_and_ordered(
    run: Run, model: str, tmp_path: Path
) -> None:
    file = rated(tmp_path)
    (plain,) = json.loads(run("evaluate", file, "-m", model, "--format", "json", *CPU).out)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    spelt = [row | {"label": "Positive" if row["rating"] > 0 else "Negative"} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in spelt))
    labels = ("--labels", "Positive,Neutral,Negative")
    (given,) = json.loads(run("evaluate", file, "-m", model, "--format", "json", *labels, *CPU).out)

    assert given["two_way"] == plain["two_way"] is not None


def test_a_model_with_other_labels_is_measured_by_what_they_mean(
    run: Run, model: str, labelled_file: Path, tmp_path: Path
) -> None:
    stars = variant(model, "stars", id2label={"0": "1 star", "1": "2 stars", "2": "3 stars"})
    ran = run("evaluate", labelled_file, "-m", model, "-m", stars, "--format", "json", *CPU)

    one, other = json.loads(ran.out)
    assert one["labels"] == list(LABELS)
    assert one["confusion"] == other["confusion"]


def variant(model: str, name: str, **changes: object) -> str:
    """A copy of the model whose config.json says something else."""
    shutil.copytree(model, name)
    config = json.loads(Path(name, "config.json").read_text())
    Path(name, "config.json").write_text(json.dumps(config | changes))
    return name


MUTE = {"0": "other", "1": "none", "2": "mixed"}


@pytest.mark.parametrize(
    ("changes", "flags", "code"),
    [
        pytest.param(
            {"problem_type": "multi_label_classification"}, (), Code.MODEL_NOT_COMPARABLE, id="several labels"
        ),
        pytest.param({"problem_type": "regression"}, (), Code.MODEL_NOT_COMPARABLE, id="values"),
        pytest.param({"id2label": MUTE}, ("--behaviour",), Code.LABELS_WITHOUT_POLARITY, id="no sides"),
    ],
)
@pytest.mark.usefixtures("nothing_is_scored")
def test_a_model_that_cannot_be_measured_is_refused_before_any_is_scored(
    run: Run, model: str, labelled_file: Path, changes: dict[str, object], flags: tuple[str, ...], code: Code
) -> None:
    odd = variant(model, "odd", **changes)
    ran = run("evaluate", labelled_file, "-m", model, "-m", odd, *flags, *CPU)

    assert (ran.code, ran.error) == (2, code)


@pytest.mark.usefixtures("nothing_is_scored")
def test_a_loaded_model_is_refused_before_it_is_scored(model: str, labelled_file: Path) -> None:
    mute = open_classifier(variant(model, "mute", id2label=MUTE), device="cpu")
    with raises_code(SettingError, Code.LABELS_WITHOUT_POLARITY):
        comparison.compare(read_labelled(labelled_file), ["mute"], lambda _: mute, tests=read_suite())


def test_scores_that_are_no_distribution_are_refused_with_the_way_out(model: str) -> None:
    several = open_classifier(variant(model, "several", problem_type="multi_label_classification"), device="cpu")
    with raises_code(SettingError, Code.MODEL_NOT_COMPARABLE) as raised:
        labels_of(several)
    assert "problem_type single_label_classification" in str(raised.value)


def test_a_label_that_the_model_cannot_give_leaves_no_loss(run: Run, model: str, labelled_file: Path) -> None:
    blind = variant(model, "blind", id2label={"0": "negative", "1": "bad", "2": "positive"})
    polar = [line for line in labelled_file.read_text().splitlines() if "neutral" not in line]
    Path("polar.jsonl").write_text("\n".join(polar))
    ran = run("evaluate", labelled_file, "-m", blind, *CPU)
    (given,) = json.loads(run("evaluate", labelled_file, "-m", blind, "--format", "json", *CPU).out)
    (without,) = json.loads(run("evaluate", "polar.jsonl", "-m", blind, "--format", "json", *CPU).out)

    assert given["calibration"]["loss"] is None
    assert given["calibration"]["ece"] > 0
    assert re.search(r"^blind  .*  0\.\d{3}  +-  ", ran.out, re.MULTILINE)
    assert 0 < without["calibration"]["loss"] < 5


def test_labels_that_have_nothing_to_do_with_the_models_are_refused(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "topics.csv").write_text("text,label\nthe,sports\na,politics\n")
    ran = run("evaluate", "topics.csv", "-m", model, *CPU)

    assert (ran.code, ran.error) == (2, Code.LABELS_DIFFER)
    assert "politics, sports" in " ".join(ran.err.split())


OWN = {"negative": "complaint", "neutral": "question", "positive": "praise"}


MEANT = {"complaint": -1, "question": 0, "Praise": 1}


@pytest.fixture
def own_labels(model: str, labelled_file: Path) -> str:
    """A classifier and a file, own.jsonl, whose labels no table knows."""
    shutil.copytree(model, "own")
    config = json.loads(Path("own/config.json").read_text())
    config["id2label"] = {place: OWN[label] for place, label in config["id2label"].items()}
    Path("own/config.json").write_text(json.dumps(config))
    rows = [json.loads(line) for line in labelled_file.read_text().splitlines()]
    Path("own.jsonl").write_text("".join(json.dumps(row | {"label": OWN[row["label"]]}) + "\n" for row in rows))
    return "own"


def test_with_label_polarity_own_labels_are_compared_by_sentiment(
    run: Run, model: str, own_labels: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("-m", model, "--against", "vader", "--format", "json", *CPU)
    plain, vader = json.loads(run("evaluate", labelled_file, *command).out)
    monkeypatch.setenv("SENTIMENT_LABEL_POLARITY", json.dumps(MEANT))
    ran = run("evaluate", "own.jsonl", "-m", own_labels, *command)

    assert ran.code == 0, ran.err
    given = json.loads(ran.out)
    assert [found["labels"] for found in given] == [list(LABELS)] * 3
    assert [found["confusion"] for found in given] == [plain["confusion"], plain["confusion"], vader["confusion"]]


@pytest.mark.parametrize("other", [("-m", "mine"), ("--against", "vader")])
def test_without_label_polarity_the_way_out_is_named(run: Run, own_labels: str, other: tuple[str, str]) -> None:
    ran = run("evaluate", "own.jsonl", "-m", own_labels, *other, *CPU)

    assert (ran.code, ran.error) == (2, Code.LABELS_DIFFER)
    assert """--label-polarity '{"complaint": ..., "praise": ..., "question": ...}'""" in ran.err


def test_a_model_whose_labels_nobody_knows_is_not_measured_by_sentiment(
    run: Run, model: str, own_labels: str, labelled_file: Path
) -> None:
    ran = run("evaluate", labelled_file, "-m", own_labels, *CPU)

    assert (ran.code, ran.error) == (2, Code.LABELS_DIFFER)
    assert """--label-polarity '{"complaint": ..., "question": ..., "praise": ...}'""" in ran.err
    given = ("--label-polarity", json.dumps(MEANT), "--format", "json", *CPU)
    assert json.loads(run("evaluate", labelled_file, "-m", own_labels, *given).out)[0]["labels"] == list(LABELS)


def test_a_loaded_model_whose_labels_nobody_knows_is_refused_too(own_labels: str, labelled_file: Path) -> None:
    own = open_classifier(own_labels, device="cpu")
    with raises_code(SettingError, Code.LABELS_DIFFER) as raised:
        comparison.compare(read_labelled(labelled_file), ["own"], lambda _: own)
    assert "complaint, question, praise" in str(raised.value)


def test_the_flag_to_fill_in_has_the_labels_of_both_and_what_is_known(
    run: Run, own_labels: str, tmp_path: Path
) -> None:
    (tmp_path / "topics.csv").write_text("text,label\nthe,sports\na,politics\n")
    known = ("--label-polarity", '{"Praise": 1}')
    ran = run("evaluate", "topics.csv", "-m", own_labels, *known, *CPU)

    assert (ran.code, ran.error) == (2, Code.LABELS_DIFFER)
    flag = """{"politics": ..., "sports": ..., "complaint": ..., "question": ..., "praise": 1}"""
    assert flag in " ".join(ran.err.split())


def test_a_flag_that_was_not_filled_in_is_told_so(
    run: Run, model: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--label-polarity", '{"complaint": ...}', *CPU)

    assert (ran.code, ran.error) == (2, Code.INVALID_SETTING)
    assert "label_polarity: replace each ... with a number" in ran.err
    monkeypatch.setenv("SENTIMENT_LABEL_POLARITY", '{"complaint": ...}')
    assert "label_polarity: replace each ... with a number" in run("evaluate", labelled_file, "-m", model).err


def test_an_entry_of_label_polarity_that_is_about_nobodys_label_is_refused(
    run: Run, model: str, labelled_file: Path
) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--label-polarity", '{"postive": 1}', *CPU)

    assert (ran.code, ran.error) == (2, Code.UNKNOWN_LABEL)
    assert "'postive'" in ran.err


def test_texts_that_were_taken_for_labels_are_not_all_shown(run: Run, model: str, tmp_path: Path) -> None:
    texts = [f"a private sentence of somebody, which is number {number}" for number in range(100)]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text, "label": "x"}) + "\n" for text in texts))

    ran = run("evaluate", file, "-m", model, "--label-column", "text", *CPU)
    assert ran.code != 0
    assert not [text for text in texts if text in ran.err]
    assert "and 80 more" in ran.err

"""``evaluate``: the figures of models on labelled texts, in every form in which they are given."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from unit.cli.evaluate.runs import CPU, rated

from worker.classifier import open_classifier, outputs_of
from worker.datasets.labelled import read_labelled
from worker.errors import Code


def test_json_has_the_figures_that_the_scores_give(run: Run, model: str, labelled_file: Path) -> None:
    ran = run("evaluate", labelled_file, "--model", model, "--format", "json", *CPU)
    (given,) = json.loads(ran.out)

    data = read_labelled(labelled_file)
    output = outputs_of(open_classifier(model, device="cpu", precision="fp32"), data.texts, labels=data.truth)
    answers = output.scores.argmax(axis=1)
    assert given["accuracy"] == pytest.approx((answers == data.truth).mean())
    assert given["calibration"]["loss"] == pytest.approx(output.loss, abs=1e-4)
    assert np.sum(given["confusion"]) == len(data)
    assert [sum(row) for row in given["confusion"]] == [40, 40, 40]
    assert [found["domain"] for found in given["domains"]] == ["a", "b"]
    assert given["two_way"] is None
    assert given["texts_per_second"] > 0


def test_ratings_give_two_way_and_three_way_agreement(run: Run, model: str, tmp_path: Path) -> None:
    file = rated(tmp_path)
    (given,) = json.loads(run("evaluate", file, "-m", model, "--format", "json", *CPU).out)

    scores = outputs_of(open_classifier(model, device="cpu", precision="fp32"), read_labelled(file).texts).scores
    polar = [0, 1, 4]
    rises = scores[polar, 2] > scores[polar, 0]
    assert given["two_way"] == pytest.approx(np.mean(rises == [True, False, False]))
    assert given["accuracy"] == pytest.approx(np.mean(scores.argmax(axis=1) == [2, 0, 1, 1, 0]))


def test_models_and_vader_stand_in_one_table(run: Run, model: str, tmp_path: Path) -> None:
    shutil.copytree(model, "other")
    ran = run("evaluate", rated(tmp_path), "-m", model, "-m", "other", "--against", "vader", *CPU)

    assert ran.code == 0, ran.err
    for name in ("mine", "other", "VADER"):
        assert re.search(rf"^{name}  +\d\.\d{{3}}", ran.out, re.MULTILINE)
    # VADER gives no probabilities, so nothing is said of their calibration.
    assert re.search(r"^VADER .* -  +-  +[\d,]+  +-", ran.out, re.MULTILINE)


def test_folders_of_one_name_are_told_apart_by_their_paths(run: Run, model: str, tmp_path: Path) -> None:
    shutil.copytree(model, "older/mine")
    given = json.loads(run("evaluate", rated(tmp_path), "-m", model, "-m", "older/mine", "--format", "json", *CPU).out)

    assert [evaluation["model"] for evaluation in given] == ["mine", "older/mine"]


@pytest.mark.usefixtures("nothing_is_scored")
def test_vader_that_is_not_installed_is_said_before_the_work(
    run: Run, model: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    ran = run("evaluate", labelled_file, "-m", model, "--against", "vader", *CPU)

    assert (ran.code, ran.error) == (2, Code.PACKAGE_NOT_INSTALLED)
    assert "vaderSentiment" in ran.err


def test_a_tie_counts_half_in_the_two_way_agreement_of_the_whole_and_of_a_domain(run: Run, model: str) -> None:
    rows = [("a", 2), ("a", 2), ("a", -2), ("b", 2)]
    Path("ties.csv").write_text(
        "text,rating,domain\n" + "".join(f"the table was blue,{rating},{domain}\n" for domain, rating in rows)
    )
    ran = run("evaluate", "ties.csv", "-m", model, "--against", "vader", "--format", "json", *CPU)
    _, vader = json.loads(ran.out)

    assert vader["two_way"] == 0.5
    assert [domain["two_way"] for domain in vader["domains"]] == [0.5, 0.5]


def test_a_column_that_is_named_and_not_there_is_refused(run: Run, model: str, labelled_file: Path) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--domain-column", "shop", *CPU)

    assert (ran.code, ran.error) == (2, Code.COLUMN_NOT_FOUND)
    assert "'shop' but text, label, domain" in ran.err


OWN_SUITE = """
[words]
dish = ["soup", "stew"]

[[test]]
name = "one way or the other"
capability = "kitchen"
kind = "label"
expect = ["positive", "negative"]
texts = ["The {dish} is great lovely.", "The {dish} was blue"]
"""


def test_a_suite_of_ones_own_takes_the_place_of_ours(run: Run, model: str, labelled_file: Path, tmp_path: Path) -> None:
    (own := tmp_path / "own.toml").write_text(OWN_SUITE, encoding="utf-8")
    ran = run("evaluate", labelled_file, "-m", model, "--suite", own, "--format", "json", *CPU)

    (given,) = json.loads(ran.out)
    assert given["behaviour"] == {
        "mean": pytest.approx(0.5), "capabilities": {"kitchen": pytest.approx(0.5)},
        "tests": {"one way or the other": pytest.approx(0.5)},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("tests = ", "own.toml", id="no TOML"),
        pytest.param("a = 1", "there is no [[test]]", id="no test"),
        pytest.param(OWN_SUITE.replace('"label"', '"lable"'), "other': `kind` must be one of", id="kind"),
        pytest.param(OWN_SUITE.replace('"negative"', '"bad"'), "value that kind 'label' does not allow", id="expect"),
        pytest.param(OWN_SUITE.replace("capability", "skill"), "'one way or the other' lacks 'capability'", id="lack"),
        pytest.param(OWN_SUITE.replace("dish =", "dishes ="), "there are no words for {dish}", id="no words"),
        pytest.param(OWN_SUITE.replace("[[test]]", "[test]"), "place 1 has another form", id="a table"),
        pytest.param(OWN_SUITE.replace('"label"', '"direction"').replace('["positive", "negative"]', '["up"]'),
                     "more or fewer texts", id="no pairs"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_is_scored")
def test_a_file_that_is_no_suite_is_refused_before_anything_is_scored(
    run: Run, model: str, labelled_file: Path, tmp_path: Path, content: str | None, words: str
) -> None:
    own = tmp_path / "own.toml"
    if content is not None:
        own.write_text(content, encoding="utf-8")
    ran = run("evaluate", labelled_file, "-m", model, "--suite", own, *CPU)

    code = Code.FILE_UNREADABLE if content is None else Code.INVALID_BEHAVIOUR_SUITE
    assert (ran.code, ran.error) == (2, code)
    assert words in " ".join(ran.err.split())


def test_behaviour_gives_a_failure_rate_for_each_capability(run: Run, model: str, labelled_file: Path) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--behaviour", "--format", "json", *CPU)

    (given,) = json.loads(ran.out)
    assert {"negation", "contrast", "fairness"} <= given["behaviour"]["capabilities"].keys()
    assert given["behaviour"]["mean"] == pytest.approx(np.mean(list(given["behaviour"]["tests"].values())))

"""``evaluate``: the figures of models on labelled texts, in every form in which they are given."""

import json
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from worker.classifier import open_classifier, outputs_of
from worker.datasets.examples import LABELS
from worker.datasets.labelled import read_labelled
from worker.errors import SettingError
from worker.evaluation import comparison
from worker.evaluation.behaviour import read_suite
from worker.evaluation.label_space import labels_of

TRAINED = ("--epochs", "12", "--learning-rate", "5e-3", "--batch-size", "16", "--device", "cpu")
CPU = ("--device", "cpu", "--precision", "fp32")


@pytest.fixture
def model(run, tiny_base: Path, labelled_file: Path) -> str:
    assert run("train", labelled_file, "--out", "mine", "--base", tiny_base, *TRAINED).code == 0
    return "mine"


def rated(folder: Path) -> Path:
    ratings = {"great lovely": 2.5, "awful broken": -3, "the table was blue": 0.1, "good": 0.4, "bad": -0.6}
    file = folder / "rated.jsonl"
    rows = [
        {"text": text, "rating": rating, "domain": "<b>" if rating < 0 else "a|b"} for text, rating in ratings.items()
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_json_has_the_figures_that_the_scores_give(run, model: str, labelled_file: Path) -> None:
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


def test_a_label_without_texts_does_not_count_and_the_interval_is_honest(
    run, model: str, labelled_file: Path, tmp_path: Path
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


def test_ratings_give_two_way_and_three_way_agreement(run, model: str, tmp_path: Path) -> None:
    file = rated(tmp_path)
    (given,) = json.loads(run("evaluate", file, "-m", model, "--format", "json", *CPU).out)

    scores = outputs_of(open_classifier(model, device="cpu", precision="fp32"), read_labelled(file).texts).scores
    polar = [0, 1, 4]
    rises = scores[polar, 2] > scores[polar, 0]
    assert given["two_way"] == pytest.approx(np.mean(rises == [True, False, False]))
    assert given["accuracy"] == pytest.approx(np.mean(scores.argmax(axis=1) == [2, 0, 1, 1, 0]))


def test_two_way_agreement_does_not_hang_on_how_labels_are_spelt_and_ordered(run, model: str, tmp_path: Path) -> None:
    file = rated(tmp_path)
    (plain,) = json.loads(run("evaluate", file, "-m", model, "--format", "json", *CPU).out)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    spelt = [row | {"label": "Positive" if row["rating"] > 0 else "Negative"} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in spelt))
    labels = ("--labels", "Positive,Neutral,Negative")
    (given,) = json.loads(run("evaluate", file, "-m", model, "--format", "json", *labels, *CPU).out)

    assert given["two_way"] == plain["two_way"] is not None


def test_models_and_vader_stand_in_one_table(run, model: str, tmp_path: Path) -> None:
    shutil.copytree(model, "other")
    ran = run("evaluate", rated(tmp_path), "-m", model, "-m", "other", "--against", "vader", *CPU)

    assert ran.code == 0, ran.err
    for name in ("mine", "other", "VADER"):
        assert re.search(rf"^{name}  +\d\.\d{{3}}", ran.out, re.MULTILINE)
    # VADER gives no probabilities, so nothing is said of their calibration.
    assert re.search(r"^VADER .* -  +-  +[\d,]+  +-", ran.out, re.MULTILINE)


def test_folders_of_one_name_are_told_apart_by_their_paths(run, model: str, tmp_path: Path) -> None:
    shutil.copytree(model, "older/mine")
    given = json.loads(run("evaluate", rated(tmp_path), "-m", model, "-m", "older/mine", "--format", "json", *CPU).out)

    assert [evaluation["model"] for evaluation in given] == ["mine", "older/mine"]


def test_a_model_with_other_labels_is_measured_by_what_they_mean(
    run, model: str, labelled_file: Path, tmp_path: Path
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


@pytest.fixture
def nothing_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "score", lambda *_: pytest.fail("minutes are spent"))


@pytest.mark.parametrize(
    ("changes", "flags", "words"),
    [
        pytest.param({"problem_type": "multi_label_classification"}, (), "by itself (sigmoid)", id="several labels"),
        pytest.param({"problem_type": "regression"}, (), "by itself (identity)", id="values"),
        pytest.param({"id2label": MUTE}, ("--behaviour",), "tell nothing of negative and positive", id="no sides"),
    ],
)
@pytest.mark.usefixtures("nothing_is_scored")
def test_a_model_that_cannot_be_measured_is_refused_before_any_is_scored(
    run, model: str, labelled_file: Path, changes: dict[str, object], flags: tuple[str, ...], words: str
) -> None:
    odd = variant(model, "odd", **changes)
    ran = run("evaluate", labelled_file, "-m", model, "-m", odd, *flags, *CPU)

    assert ran.code == 2
    assert words in " ".join(ran.err.split())


@pytest.mark.usefixtures("nothing_is_scored")
def test_a_loaded_model_is_refused_before_it_is_scored(model: str, labelled_file: Path) -> None:
    mute = open_classifier(variant(model, "mute", id2label=MUTE), device="cpu")
    with pytest.raises(SettingError, match="tell nothing of negative and positive"):
        comparison.compare(read_labelled(labelled_file), ["mute"], lambda _: mute, tests=read_suite())


def test_scores_that_are_no_distribution_are_refused_with_the_way_out(model: str) -> None:
    several = open_classifier(variant(model, "several", problem_type="multi_label_classification"), device="cpu")
    with pytest.raises(SettingError, match="problem_type single_label_classification"):
        labels_of(several)


@pytest.mark.usefixtures("nothing_is_scored")
def test_vader_that_is_not_installed_is_said_before_the_work(
    run, model: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    ran = run("evaluate", labelled_file, "-m", model, "--against", "vader", *CPU)

    assert ran.code == 2
    assert "--against vader needs vaderSentiment" in ran.err


def test_a_label_that_the_model_cannot_give_leaves_no_loss(run, model: str, labelled_file: Path) -> None:
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


def test_a_tie_counts_half_in_the_two_way_agreement_of_the_whole_and_of_a_domain(run, model: str) -> None:
    rows = [("a", 2), ("a", 2), ("a", -2), ("b", 2)]
    Path("ties.csv").write_text(
        "text,rating,domain\n" + "".join(f"the table was blue,{rating},{domain}\n" for domain, rating in rows)
    )
    ran = run("evaluate", "ties.csv", "-m", model, "--against", "vader", "--format", "json", *CPU)
    _, vader = json.loads(ran.out)

    assert vader["two_way"] == 0.5
    assert [domain["two_way"] for domain in vader["domains"]] == [0.5, 0.5]


def test_labels_that_have_nothing_to_do_with_the_models_are_refused(run, model: str, tmp_path: Path) -> None:
    (tmp_path / "topics.csv").write_text("text,label\nthe,sports\na,politics\n")
    ran = run("evaluate", "topics.csv", "-m", model, *CPU)

    assert ran.code == 2
    assert "has politics, sports" in " ".join(ran.err.split())


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
    run, model: str, own_labels: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
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
def test_without_label_polarity_the_way_out_is_named(run, own_labels: str, other: tuple[str, str]) -> None:
    ran = run("evaluate", "own.jsonl", "-m", own_labels, *other, *CPU)

    assert ran.code == 2
    assert """--label-polarity '{"complaint": ..., "praise": ..., "question": ...}'""" in ran.err


def test_a_model_whose_labels_nobody_knows_is_not_measured_by_sentiment(
    run, model: str, own_labels: str, labelled_file: Path
) -> None:
    ran = run("evaluate", labelled_file, "-m", own_labels, *CPU)

    assert ran.code == 2
    assert """--label-polarity '{"complaint": ..., "question": ..., "praise": ...}'""" in ran.err
    given = ("--label-polarity", json.dumps(MEANT), "--format", "json", *CPU)
    assert json.loads(run("evaluate", labelled_file, "-m", own_labels, *given).out)[0]["labels"] == list(LABELS)


def test_a_loaded_model_whose_labels_nobody_knows_is_refused_too(own_labels: str, labelled_file: Path) -> None:
    own = open_classifier(own_labels, device="cpu")
    with pytest.raises(SettingError, match="nothing says what sentiment complaint, question, praise stand for"):
        comparison.compare(read_labelled(labelled_file), ["own"], lambda _: own)


def test_the_flag_to_fill_in_has_the_labels_of_both_and_what_is_known(run, own_labels: str, tmp_path: Path) -> None:
    (tmp_path / "topics.csv").write_text("text,label\nthe,sports\na,politics\n")
    known = ("--label-polarity", '{"Praise": 1}')
    ran = run("evaluate", "topics.csv", "-m", own_labels, *known, *CPU)

    assert ran.code == 2
    flag = """{"politics": ..., "sports": ..., "complaint": ..., "question": ..., "praise": 1}"""
    assert flag in " ".join(ran.err.split())


def test_a_flag_that_was_not_filled_in_is_told_so(
    run, model: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--label-polarity", '{"complaint": ...}', *CPU)

    assert ran.code == 2
    assert "label_polarity: put a number in the place of each ..." in ran.err
    monkeypatch.setenv("SENTIMENT_LABEL_POLARITY", '{"complaint": ...}')
    assert "label_polarity: put a number in the place of each ..." in run("evaluate", labelled_file, "-m", model).err


def test_a_column_that_is_named_and_not_there_is_refused(run, model: str, labelled_file: Path) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--domain-column", "shop", *CPU)

    assert ran.code == 2
    assert "no column 'shop' but text, label, domain" in " ".join(ran.err.split())


def test_an_entry_of_label_polarity_that_is_about_nobodys_label_is_refused(
    run, model: str, labelled_file: Path
) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--label-polarity", '{"postive": 1}', *CPU)

    assert ran.code == 2
    assert "'postive', which is nobody's label" in " ".join(ran.err.split())


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


def test_a_suite_of_ones_own_takes_the_place_of_ours(run, model: str, labelled_file: Path, tmp_path: Path) -> None:
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
        pytest.param(None, "cannot be read: No such file", id="no file"),
        pytest.param("tests = ", "is no suite of behaviour tests", id="no TOML"),
        pytest.param("a = 1", "there is no [[test]]", id="no test"),
        pytest.param(OWN_SUITE.replace('"label"', '"lable"'), "'one way or the other': `kind` is one of", id="kind"),
        pytest.param(OWN_SUITE.replace('"negative"', '"bad"'), "`expect` is none that kind 'label' takes", id="expect"),
        pytest.param(OWN_SUITE.replace("capability", "skill"), "'one way or the other' lacks 'capability'", id="lack"),
        pytest.param(OWN_SUITE.replace("dish =", "dishes ="), "there are no words for {dish}", id="no words"),
        pytest.param(OWN_SUITE.replace("[[test]]", "[test]"), "place 1 is of another form", id="a table"),
        pytest.param(OWN_SUITE.replace('"label"', '"direction"').replace('["positive", "negative"]', '["up"]'),
                     "more or fewer texts", id="no pairs"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_is_scored")
def test_a_file_that_is_no_suite_is_refused_before_anything_is_scored(
    run, model: str, labelled_file: Path, tmp_path: Path, content: str | None, words: str
) -> None:
    own = tmp_path / "own.toml"
    if content is not None:
        own.write_text(content, encoding="utf-8")
    ran = run("evaluate", labelled_file, "-m", model, "--suite", own, *CPU)

    assert ran.code == 2
    assert words in " ".join(ran.err.split())


def test_behaviour_gives_a_failure_rate_for_each_capability(run, model: str, labelled_file: Path) -> None:
    ran = run("evaluate", labelled_file, "-m", model, "--behaviour", "--format", "json", *CPU)

    (given,) = json.loads(ran.out)
    assert {"negation", "contrast", "fairness"} <= given["behaviour"]["capabilities"].keys()
    assert given["behaviour"]["mean"] == pytest.approx(np.mean(list(given["behaviour"]["tests"].values())))


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(run, model: str, tmp_path: Path) -> None:
    ran = run("evaluate", rated(tmp_path), "-m", model, "--against", "vader", "--behaviour", "--report", "r.html", *CPU)
    page = Path("r.html").read_text()

    assert ran.code == 0, ran.err
    assert page.count("<svg") == 5
    assert not re.search(r"<script|<link|@import|src=", page)
    assert "&lt;b&gt;" in page
    assert "<b></td>" not in page
    assert "the table was blue" not in page


def test_a_markdown_report_links_pictures_that_are_there(run, model: str, tmp_path: Path) -> None:
    run("evaluate", rated(tmp_path), "-m", model, "--report", "r.md", *CPU)

    content = Path("r.md").read_text()
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", content)
    assert len(pictures) == 4
    assert all(Path(picture).read_text().startswith("<svg") for picture in pictures)
    assert "a\\|b" in content


def test_texts_are_named_only_on_request_and_the_surest_mistake_first(run, model: str, tmp_path: Path) -> None:
    texts = ["awful bad", "great lovely"]
    scores = outputs_of(open_classifier(model, device="cpu", precision="fp32"), texts).scores
    places = scores.argmax(axis=1).tolist()
    wrong = [
        (score, text, LABELS[place - 1], LABELS[place])
        for text, place, score in zip(texts, places, scores.max(axis=1), strict=True)
    ]
    (tmp_path / "wrong.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for _, text, label, _ in wrong))
    command = ("evaluate", "wrong.csv", "-m", model, "--format", "json", "--labels", ",".join(LABELS), *CPU)

    assert "great lovely" not in run(*command).out
    (given,) = json.loads(run(*command, "--examples", "1").out)
    assert len(wrong) > 1
    assert [(m["text"], m["label"], m["given"]) for m in given["mistakes"]] == [max(wrong)[1:]]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        pytest.param("r.pdf", "ends in .html or .md", id="another format"),
        pytest.param("none/r.html", "there is no folder none", id="no such folder"),
        pytest.param("a.html", "is a folder", id="a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    run, labelled_file: Path, report: str, words: str
) -> None:
    Path("a.html").mkdir()
    ran = run("evaluate", labelled_file, "--model", "./no-such-model", "--report", report)

    assert ran.code == 2
    assert words in " ".join(ran.err.split())


@pytest.mark.parametrize("name", ["[/x] y", "[red]x", "$", "$\\foo$"])
def test_a_domain_is_shown_as_it_is_called(run, model: str, tmp_path: Path, name: str) -> None:
    file = tmp_path / "domains.jsonl"
    file.write_text("".join(json.dumps({"text": t, "label": t, "domain": name}) + "\n" for t in ("good", "bad")))

    ran = run("evaluate", file, "-m", model, "--label-polarity", '{"good": 1, "bad": -1}', "--report", "r.html", *CPU)
    assert ran.code == 0, ran.err
    assert name in ran.out
    assert name in Path("r.html").read_text()


def test_the_figures_are_there_when_the_report_cannot_be_written(
    run, model: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    ran = run("evaluate", labelled_file, "-m", model, "--report", "r.html", *CPU)
    assert ran.code != 0
    assert "No space left" in ran.err
    assert "macro F1" in ran.out


def test_texts_that_were_taken_for_labels_are_not_all_shown(run, model: str, tmp_path: Path) -> None:
    texts = [f"a private sentence of somebody, which is number {number}" for number in range(100)]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text, "label": "x"}) + "\n" for text in texts))

    ran = run("evaluate", file, "-m", model, "--label-column", "text", *CPU)
    assert ran.code != 0
    assert not [text for text in texts if text in ran.err]
    assert "and 80 more" in ran.err


def test_pictures_are_found_beside_a_report_with_a_space_in_its_name(run, model: str, labelled_file: Path) -> None:
    assert run("evaluate", labelled_file, "-m", model, "--report", "my report.md", *CPU).code == 0
    links = re.findall(r"!\[[^\]]*\]\((\S+)\)", Path("my report.md").read_text())
    assert links
    assert all(Path(unquote(link)).exists() for link in links)


def test_labels_with_few_texts_are_named(run, model: str, labelled_file: Path, tmp_path: Path) -> None:
    rows = labelled_file.read_text().splitlines(keepends=True)
    (tmp_path / "few.jsonl").write_text("".join(rows[:2] + rows[40:]))

    ran = run("evaluate", "few.jsonl", "-m", model, "--format", "json", *CPU)
    assert "labels with fewer than 20 texts: negative (2);" in " ".join(ran.err.split())
    run("evaluate", "few.jsonl", "-m", model, "--report", "few.md", *CPU)
    assert "Labels with fewer than 20 texts: negative (2);" in Path("few.md").read_text()
    assert "fewer than" not in run("evaluate", labelled_file, "-m", model, "--format", "json", *CPU).err


def test_a_label_with_stray_votes_alone_has_few_texts(run, model: str, tmp_path: Path) -> None:
    rows = ["text,negative,neutral,positive", *(f"good {i},1,0,3" for i in range(30)), "bad,2,1,0"]
    (tmp_path / "votes.csv").write_text("\n".join(rows))

    ran = run("evaluate", "votes.csv", "-m", model, "--format", "json", *CPU)
    assert "labels with fewer than 20 texts: negative (1);" in " ".join(ran.err.split())

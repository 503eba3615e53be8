"""The report that ``evaluate`` writes, and the texts that it shows."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from command_line import Run
from unit.cli.evaluate.runs import CPU, rated

from worker.classifier import open_classifier, outputs_of
from worker.datasets.examples import LABELS
from worker.errors import Code


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(run: Run, model: str, tmp_path: Path) -> None:
    ran = run("evaluate", rated(tmp_path), "-m", model, "--against", "vader", "--behaviour", "--report", "r.html", *CPU)
    page = Path("r.html").read_text()

    assert ran.code == 0, ran.err
    assert page.count("<svg") == 5
    assert not re.search(r"<script|<link|@import|src=", page)
    assert "&lt;b&gt;" in page
    assert "<b></td>" not in page
    assert "the table was blue" not in page


def test_a_markdown_report_links_pictures_that_are_there(run: Run, model: str, tmp_path: Path) -> None:
    run("evaluate", rated(tmp_path), "-m", model, "--report", "r.md", *CPU)

    content = Path("r.md").read_text()
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", content)
    assert len(pictures) == 4
    assert all(Path(picture).read_text().startswith("<svg") for picture in pictures)
    assert "a\\|b" in content


def test_texts_are_named_only_on_request_and_the_surest_mistake_first(run: Run, model: str, tmp_path: Path) -> None:
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
    ("report", "code"),
    [
        pytest.param("r.pdf", Code.FILE_FORMAT_UNSUPPORTED, id="another format"),
        pytest.param("none/r.html", Code.FILE_NOT_WRITABLE, id="no such folder"),
        pytest.param("a.html", Code.FILE_NOT_WRITABLE, id="a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    run: Run, labelled_file: Path, report: str, code: Code
) -> None:
    Path("a.html").mkdir()
    ran = run("evaluate", labelled_file, "--model", "./no-such-model", "--report", report)

    assert (ran.code, ran.error) == (2, code)


@pytest.mark.parametrize("name", ["[/x] y", "[red]x", "$", "$\\foo$"])
def test_a_domain_is_shown_as_it_is_called(run: Run, model: str, tmp_path: Path, name: str) -> None:
    file = tmp_path / "domains.jsonl"
    file.write_text("".join(json.dumps({"text": t, "label": t, "domain": name}) + "\n" for t in ("good", "bad")))

    ran = run("evaluate", file, "-m", model, "--label-polarity", '{"good": 1, "bad": -1}', "--report", "r.html", *CPU)
    assert ran.code == 0, ran.err
    assert name in ran.out
    assert name in Path("r.html").read_text()


def test_the_figures_are_there_when_the_report_cannot_be_written(
    run: Run, model: str, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    ran = run("evaluate", labelled_file, "-m", model, "--report", "r.html", *CPU)
    assert (ran.code, ran.error) == (2, Code.FILE_NOT_WRITABLE)
    assert "No space left" in ran.err
    assert "macro F1" in ran.out


def test_pictures_are_found_beside_a_report_with_a_space_in_its_name(run: Run, model: str, labelled_file: Path) -> None:
    assert run("evaluate", labelled_file, "-m", model, "--report", "my report.md", *CPU).code == 0
    links = re.findall(r"!\[[^\]]*\]\((\S+)\)", Path("my report.md").read_text())
    assert links
    assert all(Path(unquote(link)).exists() for link in links)


def test_labels_with_few_texts_are_named(run: Run, model: str, labelled_file: Path, tmp_path: Path) -> None:
    rows = labelled_file.read_text().splitlines(keepends=True)
    (tmp_path / "few.jsonl").write_text("".join(rows[:2] + rows[40:]))

    ran = run("evaluate", "few.jsonl", "-m", model, "--format", "json", *CPU)
    assert "labels with fewer than 20 texts: negative (2);" in " ".join(ran.err.split())
    run("evaluate", "few.jsonl", "-m", model, "--report", "few.md", *CPU)
    assert "Labels with fewer than 20 texts: negative (2);" in Path("few.md").read_text()
    assert "fewer than" not in run("evaluate", labelled_file, "-m", model, "--format", "json", *CPU).err


def test_a_label_with_stray_votes_alone_has_few_texts(run: Run, model: str, tmp_path: Path) -> None:
    rows = ["text,negative,neutral,positive", *(f"good {i},1,0,3" for i in range(30)), "bad,2,1,0"]
    (tmp_path / "votes.csv").write_text("\n".join(rows))

    ran = run("evaluate", "votes.csv", "-m", model, "--format", "json", *CPU)
    assert "labels with fewer than 20 texts: negative (1);" in " ".join(ran.err.split())

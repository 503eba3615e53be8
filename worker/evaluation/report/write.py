"""Writing a report: its format, its sections, and the place of its pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from worker.datasets.warnings import evaluation_warnings
from worker.errors import Code, SettingError
from worker.evaluation.measure import Evaluation
from worker.evaluation.report import charts, tables
from worker.evaluation.report.html import as_html
from worker.evaluation.report.markdown import as_markdown
from worker.evaluation.report.sections import Section, Subject

FORMATS = (".html", ".md")


def check_report(path: Path) -> None:
    """Check that a report can be written to ``path``, before the work for it is done.

    Raises:
        SettingError: the extension is not that of a format, matplotlib is not installed, the folder does not exist, or
            nothing can be written there.
    """
    if path.suffix.lower() not in FORMATS:
        raise SettingError(
            Code.FILE_FORMAT_UNSUPPORTED,
            f"--report takes a file that ends in {' or '.join(FORMATS)}, not {path.name}",
        )
    if find_spec("matplotlib") is None:
        raise SettingError(
            Code.PACKAGE_NOT_INSTALLED, "--report needs matplotlib: pip install 'sentiment-worker[train]'"
        )
    if not path.absolute().parent.is_dir():
        raise SettingError(Code.FILE_NOT_WRITABLE, f"--report {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise SettingError(Code.FILE_NOT_WRITABLE, f"--report {path} is a folder: name a file in it")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise SettingError(Code.FILE_NOT_WRITABLE, f"--report {path} cannot be written: choose another place")


def write_report(path: Path, subject: Subject, evaluations: Sequence[Evaluation]) -> None:
    """Write ``path``; a Markdown report's pictures go to a folder next to it, ``NAME-pictures``.

    Raises:
        SettingError: the file cannot be written.
    """
    try:
        if path.suffix.lower() == ".html":
            path.write_text(as_html(subject, _sections(evaluations, outlines=False)), encoding="utf-8")
            return
        folder = path.with_name(f"{path.stem}-pictures")
        folder.mkdir(exist_ok=True)
        sections = _sections(evaluations, outlines=True)
        for section in sections:
            if section.picture:
                (folder / f"{section.name}.svg").write_text(section.picture, encoding="utf-8")
        path.write_text(as_markdown(subject, sections, folder.name), encoding="utf-8")
    except OSError as error:
        raise SettingError(Code.FILE_NOT_WRITABLE, f"{path} cannot be written: {error.strerror}") from error


def _sections(evaluations: Sequence[Evaluation], *, outlines: bool) -> list[Section]:
    """Return the sections of the report, in the order in which a reader needs them."""
    first = evaluations[0]

    def picture(draw: Callable[..., str]) -> str:
        return draw(evaluations, outlines=outlines)

    sections = [
        Section(
            "agreement",
            "How often they are right",
            "The bar through a dot is the 95 % interval: models whose bars overlap may well be equally good.",
            picture(charts.agreement),
            tables.summary(evaluations),
            table_first=True,
        ),
        Section(
            "confusion",
            "What they mix up",
            " ".join(
                [
                    "Each row is a label, each column an answer; off the diagonal are the mistakes.",
                    *(f"{warning[:1].upper()}{warning[1:]}." for warning in evaluation_warnings(first.support)),
                ]
            ),
            picture(charts.confusions),
            tables.by_class(evaluations),
        ),
    ]
    if any(e.calibration for e in evaluations):
        sections.append(
            Section(
                "calibration",
                "Whether their scores mean what they say",
                "On the dashed line, texts with a score of 80 % are right 80 % of the time. Below it a model is too "
                "sure of itself, above it too modest. A line through a dot is the 95 % interval of the "
                "accuracy there; the bars show how many texts have such a score.",
                picture(charts.reliability),
            )
        )
    if first.domains:
        sections.append(
            Section(
                "domains",
                "Where they are weak",
                "One row a domain, with its number of texts.",
                picture(charts.domains),
                tables.by_domain(evaluations),
            )
        )
    if any(e.behaviour for e in evaluations):
        sections.append(
            Section(
                "behaviour",
                "How they behave",
                "How often tests of one capability fail: texts with an evident answer, changes that must not matter, "
                "and changes that must move the score one way.",
                picture(charts.behaviour),
                tables.by_capability(evaluations),
            )
        )
    sections += [
        Section(
            f"mistakes-{place + 1}",
            f"Where {e.model} is surest and wrong",
            "Often it is the label that is doubtful.",
            table=(
                ["text", "label", "answer", "score"],
                [[m.text, m.label, m.given, f"{m.score:.2f}"] for m in e.mistakes],
            ),
            table_first=True,
        )
        for place, e in enumerate(evaluations)
        if e.mistakes
    ]
    return sections

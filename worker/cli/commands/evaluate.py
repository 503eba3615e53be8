"""``evaluate``: how good models are on labelled texts, as tables, JSON or a page to look at."""

import dataclasses
import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from worker.cli.shared.console import stderr, stdout
from worker.cli.shared.flags import Flags, with_flags
from worker.cli.shared.label_flags import label_names
from worker.errors import Code, SettingError
from worker.settings import Settings, load_settings

if TYPE_CHECKING:
    from worker.classifier import Classifier
    from worker.datasets.labelled import Labelled
    from worker.evaluation.behaviour import Test
    from worker.evaluation.measure import Evaluation
    from worker.evaluation.report import tables


class Form(StrEnum):
    """How the figures are printed."""

    TABLE = "table"
    JSON = "json"


class Yardstick(StrEnum):
    """A baseline that models are compared with, besides one another."""

    VADER = "vader"


@with_flags("device", "precision", "label_polarity")
def evaluate(
    flags: Flags,
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="labelled texts: JSON lines or .csv/.tsv, also .gz", show_default=False),
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", help="'bundled', a folder or a hub name; repeat it to compare", show_default=False
        ),
    ] = None,
    against: Annotated[Yardstick | None, typer.Option(help="compare with VADER's rules, too")] = None,
    behaviour: Annotated[
        bool, typer.Option("--behaviour", help="also run the behaviour suite: failure rate per capability")
    ] = False,
    suite: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="run the behaviour tests of this .toml instead of ours", show_default=False),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="how the figures are printed")] = Form.TABLE,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write a page with pictures: .html or .md", show_default=False)
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, help="texts to name, in report and JSON, that a model is surest of and wrong about")
    ] = 0,
    labels: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="labels by number, from 0, where DATA has numbers")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="column of the text; default: text", show_default=False)
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="column of the label, stars among them; default: label", show_default=False),
    ] = None,
    rating_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="column of a mean rating from -4 to 4; default: rating", show_default=False),
    ] = None,
    domain_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="column of the domain to break figures down by; default: domain", show_default=False
        ),
    ] = None,
) -> None:
    """Measure models on labelled texts: agreement, calibration, speed, and what they mix up.

    `sentiment-worker evaluate reviews.csv --model bundled --model mine --against vader --report report.html`
    """
    names = label_names(labels)
    chosen = models or [load_settings(**flags).model]
    settings = [load_settings(**flags, model=model) for model in chosen]

    from worker.datasets.columns import Columns
    from worker.datasets.labelled import read_labelled

    if report is not None:
        from worker.evaluation.report import check_report

        check_report(report)
    texts = read_labelled(data, names, Columns(text_column, label_column, rating_column, domain_column))

    from worker.classifier import load_classifier
    from worker.datasets.warnings import evaluation_warnings
    from worker.evaluation.comparison import compare

    polarities = settings[0].label_polarity
    tests = _tests(suite) if behaviour or suite is not None else ()
    settings = _checked(settings, texts, with_behaviour=bool(tests))
    devices: set[str] = set()

    def load(model: str) -> "Classifier":
        classifier = load_classifier(settings[chosen.index(model)])
        devices.add(f"{classifier.device} at {classifier.precision}")
        return classifier

    console = stderr()
    with console.status("loading", spinner="dots") as status:
        evaluations = compare(
            texts,
            chosen,
            load,
            with_vader=against is Yardstick.VADER,
            tests=tests,
            examples=examples,
            polarities=polarities,
            progress=lambda what, done, total: status.update(f"{escape(what)} {done:,} of {total:,}"),
        )
    for warning in evaluation_warnings(evaluations[0].support):
        console.print(f"warning: {warning}", style="yellow", markup=False)
    # Before the report: should that not get written, what took the time is here.
    if form is Form.JSON:
        typer.echo(json.dumps([dataclasses.asdict(e) for e in evaluations], indent=2, ensure_ascii=False))
    else:
        _print(evaluations)
    if report is not None:
        from worker.evaluation.report import Subject, write_report

        subject = Subject(
            texts.name,
            len(texts),
            evaluations[0].labels,
            tuple(e.model for e in evaluations),
            ", ".join(sorted(devices)),
            f"{date.today():%-d %B %Y}",
        )
        write_report(report, subject, evaluations)
        console.print(f"report written to [bold]{escape(str(report))}[/bold]")


def _tests(suite: Path | None) -> "tuple[Test, ...]":
    from worker.evaluation.behaviour import read_suite

    try:
        return read_suite(suite)
    except OSError as error:
        raise SettingError(Code.FILE_UNREADABLE, f"{suite} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # no TOML and no UTF-8, too
        raise SettingError(
            Code.INVALID_BEHAVIOUR_SUITE, f"{suite} is not a suite of behaviour tests: {error}"
        ) from error


def _checked(settings: list[Settings], texts: "Labelled", *, with_behaviour: bool) -> list[Settings]:
    """Each model's settings with those entries of label_polarity that are about a label of the model.

    The models' labels are read, and refused, without loading one: else the last would be after minutes on the first.

    Raises:
        SettingError: an entry is about no label of any model or of the texts; a model cannot be found, or measured.
    """
    from worker.classifier.source import find_model
    from worker.evaluation.comparison import check_model
    from worker.evaluation.label_space import check_polarities, labels_in, own_polarities

    polarities = settings[0].label_polarity
    known = [labels_in(find_model(own), polarities) for own in settings]
    labels = [model.labels if model else () for model in known]
    owners = {texts.name: texts.labels} | {own.model: names for own, names in zip(settings, labels, strict=True)}
    check_polarities(polarities, owners)
    for model in known:
        if model is not None:
            check_model(texts, model, polarities, with_behaviour=with_behaviour)
    return [
        own.model_copy(update={"label_polarity": own_polarities(names, own.label_polarity)})
        for own, names in zip(settings, labels, strict=True)
    ]


def _print(evaluations: "list[Evaluation]") -> None:
    from worker.evaluation.report import tables

    _print_table("", tables.summary(evaluations))
    _print_table("By label", tables.by_class(evaluations))
    if evaluations[0].domains:
        _print_table("By domain", tables.by_domain(evaluations))
    for evaluation in evaluations:
        rows = [
            [label, *(f"{count:,}" for count in row)]
            for label, row in zip(evaluation.labels, evaluation.confusion, strict=True)
        ]
        _print_table(f"{evaluation.model}: texts of a label (rows) by answer", (["", *evaluation.labels], rows))
    if any(e.behaviour for e in evaluations):
        _print_table("Behaviour tests that fail", tables.by_capability(evaluations))


def _print_table(title: str, content: "tables.Table") -> None:
    header, rows = content
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(header):
        figures = all(row[place][:1].isdigit() or row[place] == "-" for row in rows)
        table.add_column(escape(name), justify="right" if figures else "left", header_style="dim")
    previous = ""
    for row in rows:
        # A domain or label that has a row for each model is named once.
        head = "" if row[0] == previous and "model" in header[1:] else row[0]
        table.add_row(*(escape(cell) for cell in (head, *row[1:])))
        previous = row[0]
    console = stdout()
    if title:
        console.print(f"\n{title}", style="bold", markup=False)
    console.print(table)

"""``classify``: texts without Kafka, by the worker's own codec, batching and classifier."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from worker.cli.commands.classify.embed import write_embeddings
from worker.cli.shared.answers import Answered, AnswerFormat, writer
from worker.cli.shared.console import stderr, stdout
from worker.cli.shared.flags import CLASSIFIER, Flags, with_flags
from worker.cli.shared.inputs import NO_COLUMNS, InputRecord, Inputs, Shape, inputs_of_file, inputs_of_texts
from worker.cli.shared.lines import opened
from worker.codec import Codec, processed_now
from worker.datasets.tables import check_kind, unpacked
from worker.delivery.ledger import CompletedRange
from worker.errors import Code, Rejection, SettingError
from worker.fetch import Fetch
from worker.settings import Settings, load_settings

if TYPE_CHECKING:
    from worker.classifier import Classifier
    from worker.pipeline.dispatch import Dispatcher

WINDOW = 4_096
"""Texts read before they are sorted into batches by length, and the most that are held."""

NAMED_LINES = 100
"""Lines without an answer that are named."""


@with_flags(*CLASSIFIER, "text_path", "id_path", "input_format", "output_mode", "max_text_bytes")
def classify(
    flags: Flags,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="texts to classify")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="read texts from here, also .gz; without it: from stdin"),
    ] = None,
    shape: Annotated[
        Shape,
        typer.Option(
            "--as",
            help="what the file holds: JSON objects a line each, CSV with a header (comma, semicolon or tab), or a "
            "text a line; auto: by the file's name, otherwise JSON if the first line is a JSON object",
        ),
    ] = Shape.AUTO,
    column: Annotated[
        str | None,
        typer.Option(
            "--text-column",
            metavar="NAME",
            help="column of a CSV file, or field of the JSON objects, with the texts; default: by text_path",
        ),
    ] = None,
    form: Annotated[
        AnswerFormat | None,
        typer.Option(
            "--format",
            help="jsonl: events enriched as the worker does it; default: table in a terminal, jsonl otherwise",
        ),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="give each text's embedding, as JSON lines, instead of a verdict")
    ] = False,
) -> None:
    """Classify texts here and now: arguments, a file, or stdin. Answers keep the order of the input.

    A line without a text that can be classified is reported with its number and left out; the exit code is then 1.
    """
    settings = load_settings(**flags)
    if texts and file is not None:
        raise SettingError(Code.CONFLICTING_FLAGS, "there are texts and --file: give one of them")
    if embed and form is not None:
        raise SettingError(Code.CONFLICTING_FLAGS, "--embed writes JSON lines: leave --format out")
    if texts and column is not None:
        raise SettingError(Code.CONFLICTING_FLAGS, f"{NO_COLUMNS}: leave --text-column out")
    console = stdout()
    form = form or (AnswerFormat.TABLE if console.is_terminal else AnswerFormat.JSONL)
    if texts:
        inputs = inputs_of_texts(texts, settings.text_path)
        rejected = _embed(settings, inputs) if embed else _classify(settings, inputs, "arguments", form, len(texts))
    else:
        if file is not None and shape is Shape.AUTO:
            check_kind(file)
        with opened(file) as raw, unpacked(raw, file) as stream:
            total = _count_lines(stream)
            inputs = inputs_of_file(stream, file, shape, settings.text_path, column)
            name = file.name if file is not None else "stdin"
            rejected = _embed(settings, inputs) if embed else _classify(settings, inputs, name, form, total)
    if rejected:
        stderr().print(f"{rejected:,} of the inputs could not be classified", style="yellow")
        raise typer.Exit(1)


def _classify(settings: Settings, inputs: Inputs, name: str, form: AnswerFormat, total: int | None) -> int:
    """Classify and write all inputs; returns how many had no text that can be classified."""
    settings = _reading(settings, inputs)
    with _progress(total) as (progress, task):
        session = _Session.start(settings, name, progress, task)
        write = writer(form, session.classifier.card, inputs)
        faults = _Faults(progress.console)
        while records := list(islice(inputs.records, WINDOW)):
            bad = {record.offset: record.fault for record in records if record.fault}
            progress.advance(task, len(bad))
            if sound := [record for record in records if not record.fault]:
                answered, rejections = session.classify(sound)
                if answered is not None:
                    write(answered)
                bad |= {sound[index].offset: rejection.message for index, rejection in rejections.items()}
            for line, why in sorted(bad.items()):
                faults.report(line, why)
    return faults.count


def _embed(settings: Settings, inputs: Inputs) -> int:
    """Write the embeddings of all inputs; returns how many had no text."""
    faults = _Faults(stderr())

    def sound() -> Iterator[InputRecord]:
        for record in inputs.records:
            if record.fault:
                faults.report(record.offset, record.fault)
            else:
                yield record

    write_embeddings(_reading(settings, inputs), replace(inputs, records=sound()), faults.report)
    return faults.count


class _Faults:
    """Names the lines that cannot be classified, as long as they are few enough to be read, and counts them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.count = 0

    def report(self, line: int, why: str) -> None:
        self.count += 1
        if self.count <= NAMED_LINES:
            self._console.print(f"line {line}: {why}", style="yellow", markup=False)
        elif self.count == NAMED_LINES + 1:
            self._console.print("further lines are not named but counted", style="yellow")


def _reading(settings: Settings, inputs: Inputs) -> Settings:
    """Return the settings with which a codec reads the inputs: each of them is meant to be classified."""
    shapes: dict[str, str | None] = {"text_path": inputs.text_path, "classify_if": None, "on_no_text": "dead_letter"}
    if inputs.shape is not Shape.JSON:
        shapes["input_format"] = "json"
    return settings.model_copy(update=shapes)


@dataclass(frozen=True, slots=True)
class _Session:
    """The classifier and the other parts that are loaded once and used for every window."""

    classifier: "Classifier"
    dispatcher: "Dispatcher"
    codec: Codec
    name: str
    progress: Progress
    task: TaskID

    @classmethod
    def start(cls, settings: Settings, name: str, progress: Progress, task: TaskID) -> "_Session":
        from worker.classifier import load_classifier
        from worker.pipeline.dispatch import Dispatcher

        classifier = load_classifier(settings)
        progress.update(task, description="classifying")
        dispatcher = Dispatcher(classifier, batch_time=0.0, in_flight=1)
        return cls(classifier, dispatcher, Codec(settings, classifier.card), name, progress, task)

    def classify(self, records: list[InputRecord]) -> tuple[Answered | None, dict[int, Rejection]]:
        """Answers to the records of one window in their order, if any has one, and the rejections by index."""
        from worker.pipeline.job import Job

        fetch = Fetch(self.name, 0, records, records[-1].offset + 1, time.monotonic())
        job = Job(fetch, 0)
        decoded = self.codec.decode(records)
        job.decoded(decoded)
        self.progress.advance(self.task, job.decided_by_decoding.size)
        if job.texts:
            self.dispatcher.classify(job, lambda texts: self.progress.advance(self.task, texts))
        window = CompletedRange(fetch, 0, len(records))
        rejected = job.rejected_in(window)
        indexes, texts, verdicts = job.verdicts_in(window, self.classifier)
        if verdicts is None:
            return None, rejected
        answered = Answered(
            texts=[job.texts[text] for text in texts],
            rows=[records[index].row for index in indexes],
            values=[value for value, _ in self.codec.encode(fetch, decoded, indexes, verdicts, processed_now())],
            verdicts=verdicts,
        )
        return answered, rejected


@contextmanager
def _progress(total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """Return a progress bar on stderr, shown only in a terminal."""
    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress, progress.add_task("loading the model", total=total)


def _count_lines(stream: IO[bytes]) -> int | None:
    """Lines in a file that can be read twice; None for a pipe."""
    if not stream.seekable() or os.isatty(stream.fileno()):
        return None
    lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    stream.seek(0)
    return lines

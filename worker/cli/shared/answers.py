"""How ``classify`` writes its answers: a table for people, JSON lines as the worker publishes them, or CSV."""

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.text import Text

from worker.cli.shared.console import STYLES, stdout
from worker.cli.shared.inputs import Inputs, Shape
from worker.cli.shared.rendering import one_line
from worker.datasets.columns import VERDICT
from worker.verdict import ModelCard, Verdicts


class AnswerFormat(StrEnum):
    """The format of the answers."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Answered:
    """Texts and their verdicts, as columns of equal length."""

    texts: Sequence[str] = field(repr=False)
    rows: Sequence[tuple[str, ...] | None] = field(repr=False)
    """The cells of each text's row, where it stood in a table."""
    values: Sequence[bytes] = field(repr=False)
    """The events that the worker would publish."""
    verdicts: Verdicts


def writer(form: AnswerFormat, card: ModelCard, inputs: Inputs) -> Callable[[Answered], None]:
    """Return a function that writes answers to stdout, part by part; a header is written at once."""
    if form is AnswerFormat.JSONL:
        return _write_jsonl
    return _csv_writer(inputs) if form is AnswerFormat.CSV else _table_writer(card)


def _write_jsonl(answered: Answered) -> None:
    for value in answered.values:
        # An output keeps its input's bytes and is one line, as its input was.
        sys.stdout.buffer.write(value + b"\n")
    sys.stdout.buffer.flush()


def _table_writer(card: ModelCard) -> Callable[[Answered], None]:
    console = stdout()
    width = max(5, *(len(label) for label in card.labels))
    console.print(f"polarity  sentiment  {'label':<{width}}  score  text", style="dim")

    def write(answered: Answered) -> None:
        verdicts = answered.verdicts
        columns = (verdicts.polarity, verdicts.sentiment, verdicts.label, verdicts.score, verdicts.truncated)
        for text, polarity, sentiment, label, score, truncated in zip(answered.texts, *columns, strict=True):
            line = Text.assemble(
                (f"{polarity:+8.2f}  {sentiment:<9}  ", f"bold {STYLES[sentiment]}"),
                f"{label:<{width}}  {score:5.2f}  {one_line(text)}",
                ("  (cut at the model's length)", "dim") if truncated else "",
            )
            console.print(line, soft_wrap=True)

    return write


def _csv_writer(inputs: Inputs) -> Callable[[Answered], None]:
    rows = csv.writer(sys.stdout, lineterminator="\n")
    table = inputs.shape is Shape.CSV
    own = inputs.columns if table else ("text",)
    rows.writerow([*own, *(_beside(own, name) for name in VERDICT)])

    def write(answered: Answered) -> None:
        verdicts = answered.verdicts
        columns = (verdicts.sentiment, verdicts.polarity, verdicts.label, verdicts.score, verdicts.truncated)
        texts = [row or () for row in answered.rows] if table else [(text,) for text in answered.texts]
        for cells, sentiment, polarity, label, score, truncated in zip(texts, *columns, strict=True):
            cut = "true" if truncated else "false"
            rows.writerow([*cells, sentiment.value, f"{polarity:.6g}", label, f"{score:.6g}", cut])

    return write


def _beside(own: Sequence[str], name: str) -> str:
    """``name``, or one like it where the file has such a column, as one that was classified before has."""
    while name in own:
        name += "_of_text"
    return name

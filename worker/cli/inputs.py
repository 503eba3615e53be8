"""What ``classify`` reads: every line, row or argument becomes a record, as if it had come from Kafka."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import IO

from worker.cli.events import event, is_object
from worker.cli.lines import numbered_lines
from worker.codec.pointer import Pointer
from worker.errors import SettingError
from worker.fetch import Headers


class Shape(StrEnum):
    """What a file holds."""

    AUTO = "auto"
    JSON = "json"
    CSV = "csv"
    TEXT = "text"


SUFFIXES = {".jsonl": Shape.JSON, ".ndjson": Shape.JSON, ".json": Shape.JSON, ".csv": Shape.CSV}


@dataclass(frozen=True, slots=True)
class InputRecord:
    """One input; its offset is the number of its line (from 1)."""

    offset: int
    value: bytes | None = field(repr=False)
    row: dict[str, str] | None = field(default=None, repr=False)
    """The columns, where it came from a CSV file."""
    timestamp: int = -1
    key: bytes | None = None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """Records in order, and what they are."""

    records: Iterator[InputRecord]
    shape: Shape
    text_path: str
    """Where the records' texts are."""


def inputs_of_texts(texts: Iterable[str], text_path: str) -> Inputs:
    """Arguments of the command line."""
    records = (InputRecord(number, event((text_path, text))) for number, text in enumerate(texts, 1))
    return Inputs(records, Shape.TEXT, text_path)


def inputs_of_file(stream: IO[bytes], file: Path | None, shape: Shape, text_path: str, column: str | None) -> Inputs:
    """The records of a file or of stdin (``file`` is then None).

    A shape that is not named is told by the file's name, otherwise by its first line: JSON if that is a JSON object.

    Raises:
        SettingError: a CSV file has no header, or not the column with the texts.
    """
    if shape is Shape.AUTO and file is not None:
        shape = SUFFIXES.get(file.suffix.lower(), Shape.AUTO)
    if shape is Shape.CSV:
        return _inputs_of_csv(stream, text_path, column)
    lines = numbered_lines(stream)
    first = next(lines, None)
    if first is None:
        return Inputs(iter(()), Shape.TEXT if shape is Shape.AUTO else shape, text_path)
    if shape is Shape.AUTO:
        shape = Shape.JSON if is_object(first[1]) else Shape.TEXT
    lines = chain((first,), lines)
    if shape is Shape.JSON:
        return Inputs((InputRecord(number, line) for number, line in lines), shape, text_path)
    return Inputs((InputRecord(number, _value_of_text(line, text_path)) for number, line in lines), shape, text_path)


def _value_of_text(line: bytes, text_path: str) -> bytes:
    try:
        return event((text_path, line.decode()))
    except UnicodeDecodeError:
        return line  # the codec says what is wrong with it


def _value_of_row(cells: dict[str, str], paths: dict[str, str]) -> bytes:
    try:
        "".join(cells.values()).encode()
    except UnicodeEncodeError:
        return "".join(cells.values()).encode(errors="surrogateescape")  # the codec says what is wrong with it
    return event(*((paths[name], cell) for name, cell in cells.items()))


def _inputs_of_csv(stream: IO[bytes], text_path: str, column: str | None) -> Inputs:
    csv.field_size_limit(2**31 - 1)  # how long a text may be is max_text_bytes' to say
    rows = csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=""))
    columns = rows.fieldnames
    if not columns:
        raise SettingError("the CSV file is empty: its first line names the columns")
    column = column or Pointer.parse(text_path).tokens[-1]
    if column not in columns:
        raise SettingError(f"the CSV file has no column {column!r} but {', '.join(columns)}: name one by --column")
    paths = {name: "/" + name.replace("~", "~0").replace("/", "~1") for name in columns}

    def records() -> Iterator[InputRecord]:
        for row in _readable(rows):
            cells = {name: row[name] for name in columns if row[name] is not None}  # a short row lacks some
            yield InputRecord(rows.line_num, _value_of_row(cells, paths), {name: row[name] or "" for name in columns})

    return Inputs(records(), Shape.CSV, paths[column])


def _readable(rows: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    """The rows. Raises SettingError at one that is no CSV."""
    try:
        yield from rows
    except csv.Error as error:
        raise SettingError(f"line {rows.line_num} of the CSV file cannot be read: {error}") from error

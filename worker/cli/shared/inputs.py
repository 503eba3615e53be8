"""The input of ``classify``: every line, row or argument becomes a record, as if it had come from Kafka."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import IO

from worker.cli.shared.events import event, is_object
from worker.cli.shared.lines import numbered_lines
from worker.datasets.columns import check_single, listed
from worker.datasets.tables import ARRAY, TABLES, Table, is_array, kind_of
from worker.errors import Code, SettingError
from worker.fetch import Headers
from worker.pointer import Pointer


class Shape(StrEnum):
    """The format of a file."""

    AUTO = "auto"
    JSON = "json"
    CSV = "csv"
    TEXT = "text"


NO_COLUMNS = "these are plain texts, without columns"

SUFFIXES = {".jsonl": Shape.JSON, ".ndjson": Shape.JSON, ".json": Shape.JSON, **dict.fromkeys(TABLES, Shape.CSV)}


@dataclass(frozen=True, slots=True)
class InputRecord:
    """One input; its offset is the number of its line (from 1)."""

    offset: int
    value: bytes | None = field(repr=False)
    row: tuple[str, ...] | None = field(default=None, repr=False)
    """Its cells, one for each column, where it came from a table."""
    timestamp: int = -1
    key: bytes | None = field(default=None, repr=False)
    headers: Headers = field(default=(), repr=False)
    fault: str = ""
    """Why the input cannot be read, where it is a row of a table; it has no value then."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Records in order, and what they are."""

    records: Iterator[InputRecord]
    shape: Shape
    text_path: str
    """Where the records' texts are."""
    columns: tuple[str, ...] = ()
    """Of a table."""


def inputs_of_texts(texts: Iterable[str], text_path: str) -> Inputs:
    """Arguments of the command line."""
    records = (InputRecord(number, event((text_path, text))) for number, text in enumerate(texts, 1))
    return Inputs(records, Shape.TEXT, text_path)


def inputs_of_file(stream: IO[bytes], file: Path | None, shape: Shape, text_path: str, column: str | None) -> Inputs:
    """Give the records of a file, unpacked, or of stdin (``file`` is then None).

    ``column`` names that of a table, or a field of JSON objects, which then goes before ``text_path``. A shape that is
    not named is told by the file's name, otherwise by its first line: JSON if that is a JSON object.

    Raises:
        SettingError: a table has no header, or not one column with the texts; a file of plain texts, for which a
            column is named; the file is an array of objects.
    """
    kind = kind_of(file) if file is not None else ""
    if shape is Shape.AUTO:
        shape = SUFFIXES.get(kind, Shape.AUTO)
    if shape is Shape.CSV:
        return _inputs_of_table(stream, file, text_path, column, TABLES.get(kind))
    lines = numbered_lines(stream)
    head = list(islice(lines, 2))
    if not head:
        return Inputs(iter(()), Shape.TEXT if shape is Shape.AUTO else shape, text_path)
    first, *further = (line.decode(errors="replace") for _, line in head)
    if shape is not Shape.TEXT and is_array(first, further[0] if further else None):
        raise SettingError(
            Code.FILE_FORMAT_UNSUPPORTED, f"{file.name if file is not None else 'stdin'} is {ARRAY}; or add --as text"
        )
    if shape is Shape.AUTO:
        shape = Shape.JSON if is_object(head[0][1]) else Shape.TEXT
    lines = chain(head, lines)
    if shape is Shape.JSON:
        text_path = text_path if column is None else str(Pointer((column,)))
        return Inputs((InputRecord(number, line) for number, line in lines), shape, text_path)
    if column is not None:
        raise SettingError(
            Code.CONFLICTING_FLAGS,
            f"{NO_COLUMNS}: leave --text-column out, or add --as csv or --as json where they are not",
        )
    return Inputs((InputRecord(number, _value_of_text(line, text_path)) for number, line in lines), shape, text_path)


def _value_of_text(line: bytes, text_path: str) -> bytes:
    try:
        return event((text_path, line.decode()))
    except UnicodeDecodeError:
        return line  # the codec says what is wrong with it


def _value_of_row(cells: Sequence[str], paths: Sequence[str]) -> bytes:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "".join(cells).encode(errors="surrogateescape")  # the codec says what is wrong with it
    # Of columns with one name the last counts, as in any JSON.
    return event(*dict(zip(paths, cells, strict=False)).items())


def _inputs_of_table(
    stream: IO[bytes], file: Path | None, text_path: str, column: str | None, delimiter: str | None
) -> Inputs:
    lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    table = Table(file.name if file is not None else "stdin", lines, delimiter)
    columns = table.columns
    if not columns:
        raise SettingError(Code.FILE_EMPTY, "the CSV file is empty: its first line names the columns")
    column = column or Pointer.parse(text_path).tokens[-1]
    if column not in columns:
        raise SettingError(
            Code.COLUMN_NOT_FOUND,
            f"the CSV file has no column {column!r} but {listed(columns)}: name one by --text-column",
        )
    check_single("the CSV file", columns, [column])
    paths = [str(Pointer((name,))) for name in columns]

    def records() -> Iterator[InputRecord]:
        for row in table:
            if row.fault:
                yield InputRecord(row.line, None, fault=row.fault)
                continue
            padded = row.cells + ("",) * (len(columns) - len(row.cells))
            yield InputRecord(row.line, _value_of_row(row.cells, paths), padded)

    return Inputs(records(), Shape.CSV, paths[columns.index(column)], columns)

"""Files of rows for ``train``, ``evaluate`` and ``classify``: tables and JSON lines, compressed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from worker.errors import Code, SettingError

#: The delimiters of a table, and their names in a sentence. If a header fits several, the first one counts.
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}

#: The extensions of tables, and their delimiter; None: the header decides.
TABLES = {".csv": None, ".tsv": "\t"}

#: The extensions of files that hold rows in another format, and what such a file is.
_OTHERS = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "a spreadsheet"),
    **dict.fromkeys((".parquet", ".feather", ".arrow", ".orc", ".avro"), "a binary table"),
}

_ARCHIVES = (".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz")

_UTF_16 = "text in UTF-16: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"

#: The first bytes of files in other formats, whatever they are called, and what such a file is.
_BEGINNINGS = {
    b"PK\x03\x04": "a spreadsheet or a zip archive, whatever its name says: export CSV in UTF-8, or unpack it",
    b"PAR1": "a Parquet file, whatever its name says: export it as CSV, in UTF-8",
    b"\x1f\x8b": "compressed by gzip: let its name end in .gz",
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}

Row = Mapping[str, Any]

ARRAY = (
    "a JSON array, not JSON lines: write one object per line, without brackets and commas around them "
    "(`jq -c '.[]' FILE` writes them)"
)
"""The message about a file of which `is_array` is true, after its name and *is*."""

_ARRAY_OF_OBJECTS = re.compile(r"\s*\[\s*(\{|$)")


def kind_of(path: Path) -> str:
    """Return the extension that tells the format, in lower case: ``.csv`` for both ``a.CSV`` and ``a.csv.gz``."""
    return Path(path.stem if is_packed(path) else path.name).suffix.lower()


def is_packed(path: Path) -> bool:
    """Return whether the file is compressed by gzip, according to its name."""
    return path.suffix.lower() == ".gz"


@contextmanager
def unpacked(stream: IO[bytes], path: Path | None) -> Iterator[IO[bytes]]:
    """Yield the content of the file ``path``, opened as ``stream``; the stream itself if it is not compressed.

    Raises:
        SettingError: the file turns out, while it is being read, not to be gzip or to be truncated.
    """
    if path is None or not is_packed(path):
        yield stream
        return
    try:
        with gzip.open(stream, "rb") as content:
            yield content  # type: ignore[misc]  # a GzipFile reads as any binary file does
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise SettingError(
            Code.FILE_DAMAGED, f"{path.name} cannot be decompressed: it is damaged, or not a gzip file"
        ) from None


def check_kind(path: Path) -> None:
    """Check by name and first bytes that a file can hold CSV or JSON lines. A file that cannot be read passes.

    Raises:
        SettingError: it is a spreadsheet, a binary table or an archive by its name, or not UTF-8 text by its first
            bytes.
    """
    kind = kind_of(path)
    if kind in _OTHERS:
        raise SettingError(Code.FILE_FORMAT_UNSUPPORTED, f"{path.name} is {_OTHERS[kind]}: export it as CSV, in UTF-8")
    if kind in _ARCHIVES:
        raise SettingError(
            Code.FILE_FORMAT_UNSUPPORTED, f"{path.name} is an archive: unpack it, or compress the file in it with gzip"
        )
    if path.is_file() and not is_packed(path):
        try:
            with path.open("rb") as stream:
                start = stream.read(512)
        except OSError:
            return  # reported when the file is read
        for beginning, found in _BEGINNINGS.items():
            if start.startswith(beginning):
                raise SettingError(Code.FILE_FORMAT_UNSUPPORTED, f"{path.name} is {found}")
        if b"\0" in start:
            raise SettingError(
                Code.FILE_FORMAT_UNSUPPORTED,
                f"{path.name} is not text, judging by its first bytes: give CSV or JSON lines in UTF-8",
            )


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a file, without blank lines."""

    columns: tuple[str, ...]
    """A table's header; for JSON objects all their names, in order of first appearance."""
    rows: list[tuple[int, Row]] = field(repr=False)
    """(line number, row); a table row that spans several lines has the number of the first."""


def read_rows(path: Path) -> Rows:
    """Read the rows of a table or of JSON lines, depending on the file's name.

    Raises:
        SettingError: a line is not a row, or the file holds something else; the message names the line.
        OSError, UnicodeDecodeError: the file cannot be read, or is not UTF-8.
    """
    kind = kind_of(path)
    with path.open("rb") as packed, unpacked(packed, path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        if kind not in TABLES:
            rows = list(_json_rows(path.name, lines))
            return Rows(tuple(dict.fromkeys(name for _, row in rows for name in row)), rows)
        table = Table(path.name, lines, TABLES[kind])
        return Rows(table.columns, list(_table_rows(path.name, table)))


def _table_rows(name: str, table: Table) -> Iterator[tuple[int, Row]]:
    for row in table:
        if row.fault:
            raise SettingError(Code.INVALID_ROW, f"{name}, line {row.line}: {row.fault}")
        yield row.line, dict(zip(table.columns, row.cells, strict=False))


def _json_rows(name: str, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    head = list(islice(filled, 2))
    if head and is_array(head[0][1], head[1][1] if len(head) > 1 else None):
        raise SettingError(Code.FILE_FORMAT_UNSUPPORTED, f"{name} is {ARRAY}")
    for number, line in chain(head, filled):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise SettingError(
                Code.INVALID_ROW,
                f"{name}, line {number}: not a JSON object; write one object per line, or name a .csv file",
            )
        yield number, row


def is_array(first: str, second: str | None) -> bool:
    """Return whether these, the first two lines of a file that are not blank, begin an array of objects.

    A complete array on one line that other lines follow is just a bad line, not an array of everything.
    """
    if not _ARRAY_OF_OBJECTS.match(first):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return second is None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table."""

    line: int
    """The number of its first line, from 1."""
    cells: tuple[str, ...] = field(repr=False)
    """In the order of the columns. A short row lacks the last ones; a row with a fault has none."""
    fault: str = ""
    """The reason why it cannot be read, which does not quote it."""


class Table:
    """A table with a header: ``columns`` is read at once, rows when they are iterated over, without blank lines.

    ``columns`` is empty if the file is. It may contain duplicates; spreadsheets leave some names blank. Without a
    ``delimiter``, the one that splits the header into the most cells is used. Raises SettingError if the header cannot
    be read.
    """

    def __init__(self, name: str, lines: Iterable[str], delimiter: str | None = None) -> None:
        csv.field_size_limit(2**31 - 1)  # the length of a text is not limited here
        rest = iter(lines)
        head: list[str] = []
        for line in rest:
            head.append(line)
            if line.strip():
                break
        self.delimiter = delimiter or _delimiter_of(head[-1] if head else "")
        self._reader = csv.reader(chain(head, rest), delimiter=self.delimiter, strict=True)
        try:
            self.columns = tuple(next((cells for cells in self._reader if cells), ()))
        except csv.Error as error:
            raise SettingError(Code.INVALID_ROW, f"{name}, line {len(head)}: not CSV ({error})") from None

    def __iter__(self) -> Iterator[TableRow]:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                yield TableRow(line, (), f"not CSV ({error})")
                continue
            if cells is None:
                return
            while len(cells) > len(self.columns) and not cells[-1].strip():
                cells.pop()  # spreadsheets pad rows
            if len(cells) > len(self.columns):
                fault = f"more cells than the header has; put a text with {DELIMITERS[self.delimiter]} in quotes"
                yield TableRow(line, (), fault)
            elif cells:
                yield TableRow(line, tuple(cells))


def _delimiter_of(header: str) -> str:
    """Return the delimiter that gives the most cells; of several, `max` returns the first."""
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))

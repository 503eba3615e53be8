"""Files of rows, as ``train``, ``evaluate`` and ``classify`` take them: packed or not, tables and JSON lines."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from worker.errors import SettingError

#: What stands between the cells of a table, and its name in a sentence. Where a header fits several, the first counts.
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}

#: The endings of tables, and their delimiter; None: the header says.
TABLES = {".csv": None, ".tsv": "\t"}

ARRAY = (
    "a JSON array, and JSON lines are meant: one object a line, without brackets and commas around them "
    "(`jq -c '.[]' FILE` writes them)"
)
"""What to say of a file of which `is_array` is true, after its name and *is*."""

_ARRAY_OF_OBJECTS = re.compile(r"\s*\[\s*(\{|$)")


def kind_of(path: Path) -> str:
    """The ending that tells what a file holds, in lower case: ``.csv`` of both ``a.CSV`` and ``a.csv.gz``."""
    return Path(path.stem if is_packed(path) else path.name).suffix.lower()


def is_packed(path: Path) -> bool:
    """Whether the name says that the file was packed by gzip."""
    return path.suffix.lower() == ".gz"


@contextmanager
def unpacked(stream: IO[bytes], path: Path | None) -> Iterator[IO[bytes]]:
    """What the file ``path``, opened as ``stream``, holds; the stream itself where it is not packed.

    Raises:
        SettingError: at whatever place it is read, the file turns out not to be gzip's, or not whole.
    """
    if path is None or not is_packed(path):
        yield stream
        return
    try:
        with gzip.open(stream, "rb") as content:
            yield content  # type: ignore[misc]  # a GzipFile reads as any binary file does
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise SettingError(
            f"{path.name} cannot be unpacked: it is damaged, or no gzip file in spite of its name"
        ) from None


def is_array(first: str, second: str | None) -> bool:
    """Whether these, the first two lines of a file that are not blank, begin an array of objects.

    A whole array that other lines follow is a bad line among them, and no array of everything.
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
    cells: dict[str, str] = field(repr=False)
    """By column. A row that ends early lacks the last ones; a row with a fault has none."""
    fault: str = ""
    """Why it cannot be read, in words that do not quote it."""


class Table:
    """A table with a header: ``columns`` at once, its rows as they are iterated over, blank lines left out.

    ``columns`` is empty where the file is. Without a ``delimiter`` the one is taken that parts the header into most
    cells. Raises SettingError where the header cannot be read.
    """

    def __init__(self, name: str, lines: Iterable[str], delimiter: str | None = None) -> None:
        csv.field_size_limit(2**31 - 1)  # how long a text may be is not a table's to say
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
            raise SettingError(f"{name}, line {len(head)}: not CSV ({error})") from None

    def __iter__(self) -> Iterator[TableRow]:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                yield TableRow(line, {}, f"not CSV ({error})")
                continue
            if cells is None:
                return
            if len(cells) > len(self.columns):
                fault = f"more cells than the header has; put a text with {DELIMITERS[self.delimiter]} in quotes"
                yield TableRow(line, {}, fault)
            elif cells:
                yield TableRow(line, dict(zip(self.columns, cells, strict=False)))


def _delimiter_of(header: str) -> str:
    """The delimiter that gives most cells; `max` takes the first of several."""
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))

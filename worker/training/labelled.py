"""Labelled texts from users' files: JSON lines or CSV, one text a row, beside it a label, vote shares or a rating."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.errors import SettingError
from worker.training.data import LABELS, Examples, hard_labels, soft_targets
from worker.training.rows import ARRAY, TABLES, Table, is_array, kind_of, unpacked

Row = Mapping[str, Any]

#: Mean ratings go from -4 to 4, as in the rated sentences that come with the worker.
RATING_LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns (or the fields of the JSON objects) are called. Vote shares stand in columns named by label."""

    text: str = "text"
    label: str = "label"
    rating: str = "rating"
    domain: str = "domain"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """n texts and what is known of each, column by column; k is the number of labels."""

    name: str
    """The file's, without its folder."""
    digest: str
    """Hex, of the file's bytes."""
    labels: tuple[str, ...]
    texts: tuple[str, ...] = field(repr=False)
    truth: NDArray[np.int64] = field(repr=False)
    """[n], indices into ``labels``: the label that is stated, else what the rating says, else the largest share."""
    targets: NDArray[np.float32] = field(repr=False)
    """[n, k], every row a distribution: the vote shares, else what the rating says, else 1 for the stated label."""
    kind: str
    """What ``targets`` are made of: "vote shares", "ratings" or "labels"."""
    ratings: NDArray[np.float32] | None = field(default=None, repr=False)
    """[n], -4 (most negative) to 4, where the file has them."""
    domains: tuple[str, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, indices: NDArray[np.int64]) -> Labelled:
        """The texts at these indices, in their order."""
        return Labelled(
            self.name,
            self.digest,
            self.labels,
            tuple(self.texts[i] for i in indices.tolist()),
            self.truth[indices],
            self.targets[indices],
            self.kind,
            None if self.ratings is None else self.ratings[indices],
            None if self.domains is None else tuple(self.domains[i] for i in indices.tolist()),
        )

    def examples(self) -> Examples:
        """The columns that the training loop reads; every text counts once."""
        ratings = np.full(len(self), np.nan, np.float32) if self.ratings is None else self.ratings
        return Examples(self.texts, self.targets, ratings, np.ones(len(self), np.float32))


def read_labelled(path: Path, labels: Sequence[str] | None = None, columns: Columns | None = None) -> Labelled:
    """Read a file of labelled texts: CSV or TSV by its name, otherwise JSON lines; ``.gz`` is unpacked. A CSV file's
    header says whether commas, semicolons or tabs part its cells.

    Columns named by all of ``labels`` (of negative, neutral and positive where none are given) are vote shares or
    counts. A label is a name, in any case, or a number from 0, of ``labels`` or of the columns of shares; without a
    label the rating says it, without that the largest share. Where there are neither ``labels`` nor shares, the labels
    are what the label column holds, as first spelt.

    Raises:
        SettingError: the file cannot be read, or a row is not what the first row promises; it names the line.
    """
    where = columns or Columns()
    numbers: list[int] = []
    rows: list[Row] = []
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for number, row in _rows(path):
            numbers.append(number)
            rows.append(row)
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise SettingError(f"{path.name} is not UTF-8 throughout: convert it, for example with iconv") from None
    if not rows:
        raise SettingError(f"{path.name} has no rows: give a file with one labelled text a line")

    reader = _Reader(path.name, where, rows[0], labels)
    read = []
    for number, row in zip(numbers, rows, strict=True):
        try:
            read.append(reader.read(row))
        except ValueError as error:
            raise SettingError(f"{path.name}, line {number}: {error}") from None
    return reader.columns(read, digest)


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """(line number, row), blank lines left out; a row of CSV that spans lines has the number of its first."""
    kind = kind_of(path)
    with path.open("rb") as packed, unpacked(packed, path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        yield from _table_rows(path.name, lines, TABLES[kind]) if kind in TABLES else _json_rows(path.name, lines)


def _table_rows(name: str, lines: Iterable[str], delimiter: str | None) -> Iterator[tuple[int, Row]]:
    for row in Table(name, lines, delimiter):
        if row.fault:
            raise SettingError(f"{name}, line {row.line}: {row.fault}")
        yield row.line, row.cells


def _json_rows(name: str, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    head = list(islice(filled, 2))
    if head and is_array(head[0][1], head[1][1] if len(head) > 1 else None):
        raise SettingError(f"{name} is {ARRAY}")
    for number, line in chain(head, filled):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise SettingError(
                f"{name}, line {number}: not a JSON object; write one object a line, or name a .csv file"
            )
        yield number, row


@dataclass(frozen=True, slots=True)
class _Read:
    """One row, checked."""

    text: str = field(repr=False)
    label: str | None
    shares: list[float] | None
    rating: float | None
    domain: str


class _Reader:
    """Reads rows as the first of them and the given labels say."""

    def __init__(self, name: str, columns: Columns, first: Row, labels: Sequence[str] | None) -> None:
        self._name = name
        self._at = columns
        self._given = tuple(labels) if labels is not None else None
        share_names = self._given or LABELS
        self._share_names = share_names if all(label in first for label in share_names) else None
        self._known = self._given or self._share_names
        self._has_rating = columns.rating in first
        self._has_domain = columns.domain in first
        self._has_label = columns.label in first
        if not (self._share_names or self._has_label or self._has_rating):
            raise SettingError(
                f"{name} has neither a column {columns.label!r} nor {columns.rating!r} nor one of vote shares for each "
                f"label ({', '.join(share_names)}): name the column with --label-column or --rating-column"
            )
        if self._has_rating and not (self._has_label or self._share_names) and self._given not in (None, LABELS):
            raise SettingError(f"{name} has ratings, which say {', '.join(LABELS)}: leave the labels out")

    def read(self, row: Row) -> _Read:
        """Raises ValueError, in words that do not quote the row, where something is missing or of the wrong kind."""
        text = row.get(self._at.text)
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"no text in the column {self._at.text!r}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text holds a lone surrogate, which is half a character") from None
        return _Read(
            text,
            self._label(row) if self._has_label else None,
            self._shares(row, self._share_names) if self._share_names else None,
            _number(row, self._at.rating, -RATING_LIMIT, RATING_LIMIT) if self._has_rating else None,
            str(row.get(self._at.domain) or "") if self._has_domain else "",
        )

    def _label(self, row: Row) -> str:
        value = row.get(self._at.label)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
            raise ValueError(f"no label in the column {self._at.label!r}")
        label = str(value).strip()
        if self._known is None:
            return label
        by_name = {name.casefold(): name for name in self._known}
        if label.casefold() in by_name:
            return by_name[label.casefold()]
        if label.isdecimal() and int(label) < len(self._known):
            return self._known[int(label)]
        raise ValueError(f"a label that is none of {', '.join(self._known)}")

    def _shares(self, row: Row, names: Sequence[str]) -> list[float]:
        votes = [_number(row, name, 0.0, math.inf) for name in names]
        total = sum(votes)
        if not 0 < total < math.inf:
            raise ValueError("no votes: the shares of all labels are 0")
        return [vote / total for vote in votes]

    def columns(self, rows: Sequence[_Read], digest: str) -> Labelled:
        stated = [row.label for row in rows if row.label is not None]
        labels = self._labels(stated)
        place = {label.casefold(): i for i, label in enumerate(labels)}
        ratings = np.array([row.rating for row in rows], np.float32) if self._has_rating else None
        if self._has_label:
            truth = np.array([place[label.casefold()] for label in stated], np.int64)
        elif ratings is not None and labels == LABELS:
            truth = hard_labels(ratings)
        else:
            truth = np.array([np.argmax(row.shares or []) for row in rows], np.int64)
        if self._share_names:
            kind, targets = "vote shares", np.array([row.shares for row in rows], np.float32)
        elif ratings is not None and not self._has_label:
            kind, targets = "ratings", soft_targets(ratings)
        else:
            kind, targets = "labels", np.eye(len(labels), dtype=np.float32)[truth]
        domains = tuple(row.domain for row in rows) if self._has_domain else None
        return Labelled(
            self._name, digest, labels, tuple(row.text for row in rows), truth, targets, kind, ratings, domains
        )

    def _labels(self, stated: Sequence[str]) -> tuple[str, ...]:
        """The labels in their order; ``stated`` are those of the label column, row by row."""
        if self._known is not None:
            return self._known
        if not self._has_label:
            return LABELS
        spelt: dict[str, str] = {}
        for label in stated:
            spelt.setdefault(label.casefold(), label)
        if len(spelt) < 2:
            raise SettingError(f"{self._name} has a single label in all rows: there is nothing to tell apart")
        if spelt.keys() <= set(LABELS):
            return tuple(spelt[label] for label in LABELS if label in spelt)
        return tuple(sorted(spelt.values(), key=_natural))


def _number(row: Row, column: str, low: float, high: float) -> float:
    given = row.get(column)
    if isinstance(given, bool):  # 1 or 0 to float, and nobody's rating or vote
        raise ValueError(f"no number in the column {column!r}")
    try:
        value = float(given)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"no number in the column {column!r}") from None
    if not (math.isfinite(value) and low <= value <= high):
        limits = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of {low:g} or more"
        raise ValueError(f"the column {column!r} takes numbers {limits}")
    return value


def _natural(label: str) -> list[tuple[int, int, str]]:
    """Sorts "2 stars" before "10 stars"."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in re.split(r"(\d+)", label)]

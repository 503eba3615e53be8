"""Labelled texts from users' files: JSON lines or CSV, each row a text with a label, vote shares or a rating."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.datasets.columns import Chosen, Columns, choose, enumerated, shortened
from worker.datasets.examples import LABELS, NEUTRAL_BORDER, Examples, hard_labels, soft_targets
from worker.datasets.tables import Row, check_kind, read_rows
from worker.errors import Code, SettingError

#: Mean ratings range from -4 to 4, as in the rated sentences that come with the worker.
RATING_LIMIT = 4.0

#: A whole number as pandas writes it in a column with empty cells.
_WHOLE = re.compile(r"(-?\d+)\.0+")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """n labelled texts, column by column; k is the number of labels."""

    name: str
    """The file's name, without its folder."""
    labels: tuple[str, ...]
    texts: tuple[str, ...] = field(repr=False)
    truth: NDArray[np.int64] = field(repr=False)
    """[n], indices into ``labels``: the stated label, else that of the rating, else the largest share."""
    targets: NDArray[np.float32] = field(repr=False)
    """[n, k], every row a distribution: the vote shares, else that of the rating, else 1 for the stated label."""
    kind: str
    """The source of ``targets``: "vote shares", "ratings" or "labels"."""
    ratings: NDArray[np.float32] | None = field(default=None, repr=False)
    """[n], -4 (most negative) to 4, if the file has ratings."""
    domains: tuple[str, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, indices: NDArray[np.int64]) -> Labelled:
        """Return the texts at these indices, in their order."""
        return Labelled(
            self.name,
            self.labels,
            tuple(self.texts[i] for i in indices.tolist()),
            self.truth[indices],
            self.targets[indices],
            self.kind,
            None if self.ratings is None else self.ratings[indices],
            None if self.domains is None else tuple(self.domains[i] for i in indices.tolist()),
        )

    def examples(self) -> Examples:
        """Return the columns that the training loop reads; every text counts once."""
        return Examples(self.texts, self.targets, np.ones(len(self), np.float32))


def read_labelled(
    path: Path, labels: Sequence[str] | None = None, columns: Columns | None = None, *, numbered: bool = True
) -> Labelled:
    """Read a file of labelled texts: CSV or TSV by its name, otherwise JSON lines; ``.gz`` is decompressed.

    The header of a CSV file decides whether its delimiter is a comma, a semicolon or a tab. `choose` decides which
    columns are read. Columns named after all of ``labels`` (by default negative, neutral and positive) are vote shares
    or counts. A label is a name, in any case, of ``labels`` or of the columns of shares, or its number from 0, unless
    some name is a number itself or they are not ``numbered``; without a label the rating decides, and without a rating
    the largest share. With neither ``labels`` nor shares, the labels are the values of the label column, as first
    spelt.

    Raises:
        SettingError: the file cannot be read, a column is missing, a row does not fit its columns, in which case the
            message names the line, or the ratings are not ratings.
    """
    try:
        check_kind(path)
        found = read_rows(path)
    except OSError as error:
        raise SettingError(Code.FILE_UNREADABLE, f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise SettingError(
            Code.FILE_NOT_UTF8, f"{path.name} is not valid UTF-8: convert it, for example with iconv"
        ) from None
    if not found.rows:
        raise SettingError(Code.FILE_EMPTY, f"{path.name} has no rows: give a file with one labelled text a line")

    reader = _Reader(path.name, choose(path.name, found.columns, columns or Columns(), labels), labels, numbered)
    read = []
    for number, row in found.rows:
        try:
            read.append(reader.read(row))
        except ValueError as error:
            raise SettingError(Code.INVALID_ROW, f"{path.name}, line {number}: {error}") from None
    return reader.columns(read)


@dataclass(frozen=True, slots=True)
class _Read:
    """One row, checked."""

    text: str = field(repr=False)
    label: str | None
    shares: list[float] | None
    rating: float | None
    domain: str


class _Reader:
    """Reads rows by the chosen columns and the given labels."""

    def __init__(self, name: str, columns: Chosen, labels: Sequence[str] | None, numbered: bool) -> None:
        self._name = name
        self._at = columns
        self._given = tuple(labels) if labels is not None else None
        self._known = self._given or columns.shares or None
        self._by_name = {_plain(name).casefold(): name for name in self._known or ()}
        # If labels are numbers themselves, any other number is a mistake, not an index into the list of labels.
        self._numbered = numbered and not any(name.isdecimal() for name in self._by_name)

    def read(self, row: Row) -> _Read:
        """Read a row; raise ValueError, which never quotes the text, if something is missing or invalid."""
        text = row.get(self._at.text)
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"no text in the column {self._at.text!r}: fill it in, or leave the row out")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text holds a lone surrogate, which is half a character") from None
        return _Read(
            text,
            None if self._at.label is None else self._label(row, self._at.label),
            self._shares(row, self._at.shares) if self._at.shares else None,
            None if self._at.rating is None else self._rating(row, self._at.rating),
            "" if self._at.domain is None else str(row.get(self._at.domain) or ""),
        )

    def _label(self, row: Row, column: str) -> str:
        value = row.get(column)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
            raise ValueError(f"no label in the column {column!r}: fill it in, or leave the row out")
        label = _plain(str(value))
        if self._known is None:
            return label
        if label.casefold() in self._by_name:
            return self._by_name[label.casefold()]
        if self._numbered and label.isdecimal() and int(label) < len(self._known):
            return self._known[int(label)]
        numbers = ", whose numbers go from 0" if self._numbered and label.isdecimal() else ""
        raise ValueError(f"the label {shortened(label)!r} is not one of {enumerated(self._known)}{numbers}")

    def _shares(self, row: Row, names: Sequence[str]) -> list[float]:
        votes = [_number(row, name) for name in names]
        for name, vote in zip(names, votes, strict=True):
            if vote < 0:
                raise ValueError(f"the column {name!r} must hold numbers of 0 or more")
        total = sum(votes)
        if not 0 < total < math.inf:
            raise ValueError("no votes: the shares of all labels are 0")
        return [vote / total for vote in votes]

    def _rating(self, row: Row, column: str) -> float:
        try:
            value = _number(row, column)
        except _NotANumber as error:
            raise ValueError(f"{error}; {self._if_stars(column)}") from None
        if abs(value) > RATING_LIMIT:
            raise ValueError(
                f"the column {column!r} must hold numbers from {-RATING_LIMIT:g} to {RATING_LIMIT:g}; "
                f"{self._if_stars(column)}"
            )
        return value

    def _if_stars(self, column: str) -> str:
        return f"if these are stars or words, {self._as_labels(column)}"

    def _as_labels(self, column: str) -> str:
        """Return the advice for a column that does not hold ratings."""
        as_labels = f"read them as labels with --label-column {shlex.quote(column)}"
        if self._at.label is not None:
            return f"leave them out with --label-column {shlex.quote(self._at.label)} alone, or {as_labels}"
        return f"rename the column to leave them out, or {as_labels}" if self._at.shares else as_labels

    def columns(self, rows: Sequence[_Read]) -> Labelled:
        stated = [row.label for row in rows if row.label is not None]
        labels = self._labels(stated)
        place = {label.casefold(): i for i, label in enumerate(labels)}
        shares = np.array([row.shares for row in rows], np.float32) if self._at.shares else None
        ratings = None if self._at.rating is None else np.array([row.rating for row in rows], np.float32)
        elsewhere = stated or ([] if shares is None else [labels[i] for i in np.unique(shares.argmax(axis=1)).tolist()])
        if ratings is not None and self._at.rating is not None:
            self._check_sides(ratings, self._at.rating, elsewhere)
        if self._at.label is not None:
            truth = np.array([place[label.casefold()] for label in stated], np.int64)
        elif ratings is not None and labels == LABELS:
            truth = hard_labels(ratings)
        else:
            truth = np.array([np.argmax(row.shares or []) for row in rows], np.int64)
        if shares is not None:
            kind, targets = "vote shares", shares
        elif ratings is not None and self._at.label is None:
            kind, targets = "ratings", soft_targets(ratings)
        else:
            kind, targets = "labels", np.eye(len(labels), dtype=np.float32)[truth]
        domains = None if self._at.domain is None else tuple(row.domain for row in rows)
        return Labelled(self._name, labels, tuple(row.text for row in rows), truth, targets, kind, ratings, domains)

    def _check_sides(self, ratings: NDArray[np.float32], column: str, elsewhere: Iterable[str]) -> None:
        """Check that the ratings are not all on one side, as stars are, which would all count as positive.

        ``elsewhere`` are the labels from other columns; ratings that agree with them may be on one side only, and so
        may those of a user who names the labels.

        Raises:
            SettingError: they do not look like ratings.
        """
        sides = {"negative": ratings < -NEUTRAL_BORDER, "positive": ratings > NEUTRAL_BORDER}
        missing = [side for side, there in sides.items() if not there.any()]
        others = {label.casefold() for label in elsewhere}
        expected = sides.keys() <= others if others else self._given is None
        if not missing or not expected:
            return
        cause = "these look like stars:" if ratings.min() >= 0 else "if these are not ratings,"
        way = "" if others else f"; if they are ratings after all, add --labels {','.join(LABELS)}"
        raise SettingError(
            Code.NOT_RATINGS,
            f"{self._name}: by the numbers in {column!r} no text is {' or '.join(missing)}, since ratings range from "
            f"{-RATING_LIMIT:g}, most negative, to {RATING_LIMIT:g}; {cause} {self._as_labels(column)}{way}",
        )

    def _labels(self, stated: Sequence[str]) -> tuple[str, ...]:
        """Return the labels in their order; ``stated`` are those of the label column, row by row."""
        if self._known is not None:
            return self._known
        if self._at.label is None:
            return LABELS
        spelt: dict[str, str] = {}
        for label in stated:
            spelt.setdefault(label.casefold(), label)
        if len(spelt) < 2:
            raise SettingError(
                Code.SINGLE_LABEL,
                f"{self._name} has the same label in all rows, so there is nothing to learn: add texts with another "
                "label, or name all labels with --labels",
            )
        if spelt.keys() <= set(LABELS):
            return tuple(spelt[label] for label in LABELS if label in spelt)
        return tuple(sorted(spelt.values(), key=_natural))


def _plain(label: str) -> str:
    """Return the form in which labels are compared: 5.0 is 5."""
    label = label.strip()
    whole = _WHOLE.fullmatch(label)
    return whole[1] if whole else label


class _NotANumber(ValueError):
    """The cell does not hold a number."""


def _number(row: Row, column: str) -> float:
    """Return the finite number in a cell.

    Raises:
        ValueError: the cell is empty, or has a form that is easily corrected; `_NotANumber` for anything else.
    """
    given = row.get(column)
    none = f"no number in the column {column!r}"
    if given is None or (isinstance(given, str) and not given.strip()):
        raise ValueError(f"{none}: fill it in, or leave the row out")
    if isinstance(given, str) and _DECIMAL_COMMA.fullmatch(given.strip()):
        raise ValueError(f"{none}: write decimals with a point, as in 1.5")
    try:
        value = math.nan if isinstance(given, bool) else float(given)  # true is 1 to float, but not a rating or a vote
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise _NotANumber(none)
    return value


def _natural(label: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts "2 stars" before "10 stars"."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in re.split(r"(\d+)", label)]

"""Choosing the columns of a file to read: those that the user names, else those with the usual names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from worker.datasets.examples import LABELS
from worker.errors import Code, SettingError

TEXT, LABEL, RATING, DOMAIN = "text", "label", "rating", "domain"

#: The columns that ``classify`` adds to a table.
VERDICT = ("sentiment", "polarity", "label", "score", "truncated")

#: Characters of a column's or a label's name that are shown; a longer one may be a text.
SHOWN_CHARACTERS = 40

#: Names that are shown of a long list.
SHOWN_NAMES = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns (or fields of the JSON objects) that the user names; None where the user names none."""

    text: str | None = None
    label: str | None = None
    rating: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The columns to read. At least one of ``label``, ``rating`` and ``shares`` is set."""

    text: str
    label: str | None
    rating: str | None
    shares: tuple[str, ...]
    """Columns of votes or shares, one for each label, whose name they have; empty if none are read."""
    domain: str | None


def choose(name: str, there: Sequence[str], named: Columns, labels: Sequence[str] | None) -> Chosen:
    """Choose the columns to read of the file ``name``, which has the columns ``there``; ``labels`` is --labels.

    A column that the user names is read. If it is a label or a rating, it is the only source of labels, whatever other
    columns are called; if it is neither, all existing ones of label, rating and shares are read.

    Raises:
        SettingError: a named column does not exist, or none for the texts or their labels does; a column to read
            exists twice; the label column holds verdicts, and the user did not name it.
    """
    for flag, column, what in (
        ("--text-column", named.text or TEXT, "the texts"),
        ("--label-column", named.label, "the labels"),
        ("--rating-column", named.rating, "the ratings"),
        ("--domain-column", named.domain, "the domains"),
    ):
        if column is not None and column not in there:
            raise SettingError(
                Code.COLUMN_NOT_FOUND,
                f"{name} has no column {column!r} but {listed(there)}: name that of {what} with {flag}",
            )
    if named.label is not None and named.label == named.rating:
        raise SettingError(
            Code.CONFLICTING_FLAGS,
            f"--label-column and --rating-column both name {named.label!r}: leave one out, for a column holds either",
        )

    label, rating = named.label, named.rating
    shares: tuple[str, ...] = ()
    share_names = tuple(labels or LABELS)
    if label is None and rating is None:
        label = LABEL if LABEL in there else None
        rating = RATING if RATING in there else None
        shares = share_names if set(share_names) <= set(there) else ()
    if label is None and rating is None and not shares:
        raise SettingError(
            Code.COLUMN_NOT_FOUND,
            f"{name} has no column {LABEL!r} or {RATING!r}, nor votes in columns named {', '.join(share_names)}, but "
            f"{listed(there)}: name a column with --label-column or --rating-column, or all columns of votes with "
            "--labels a,b,c",
        )
    if rating is not None and label is None and not shares and labels is not None and tuple(labels) != LABELS:
        raise SettingError(
            Code.LABELS_OF_RATINGS,
            f"{name} has ratings in {rating!r}, which mean {', '.join(LABELS)}: leave the labels out, or read the "
            f"column as labels with --label-column {rating}",
        )
    if label is not None and named.label is None and set(VERDICT) <= set(there):
        raise SettingError(
            Code.VERDICTS_AS_LABELS,
            f"{name} has the columns {', '.join(VERDICT)}, as classify writes them: a model's verdicts are not labels "
            "to measure or train with; name the column of the true labels with --label-column",
        )
    domain = named.domain or (DOMAIN if DOMAIN in there else None)
    chosen = Chosen(named.text or TEXT, label, rating, shares, domain)
    read = (chosen.text, label, rating, *shares, domain)
    check_single(name, there, [column for column in read if column is not None])
    return chosen


def check_single(name: str, there: Sequence[str], read: Iterable[str]) -> None:
    """Raise SettingError if a column to read exists twice: it would be ambiguous."""
    for column in read:
        if there.count(column) > 1:
            raise SettingError(
                Code.DUPLICATE_COLUMN,
                f"{name} has {there.count(column)} columns {shortened(column)!r}: rename all but one",
            )


def shortened(name: str) -> str:
    """Return as much of a name as may be shown."""
    return name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}…"


def enumerated(names: Collection[str]) -> str:
    """Return names for a sentence, only the first of a long list."""
    shown = ", ".join(shortened(name) for name in list(names)[:SHOWN_NAMES])
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES:,} more"


def listed(columns: Collection[str]) -> str:
    """Return the columns for a sentence. Without a header these are cells of the first row: texts are not quoted."""
    shown = enumerated(["…" if len(name) > SHOWN_CHARACTERS else name for name in columns])
    without_header = any(len(name) > SHOWN_CHARACTERS for name in columns)
    return f"{shown} (a table's first line names its columns: add one that does)" if without_header else shown

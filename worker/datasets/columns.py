"""Which columns of a file are read, and as what: those that the user names, else those that are named as usual."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from worker.datasets.examples import LABELS
from worker.errors import Code, SettingError

TEXT, LABEL, RATING, DOMAIN = "text", "label", "rating", "domain"

#: The columns that ``classify`` adds to a table.
VERDICT = ("sentiment", "polarity", "label", "score", "truncated")

#: Characters of a column's or a label's name that are shown; what is longer may be a text.
SHOWN_CHARACTERS = 40

#: Names that are shown of many.
SHOWN_NAMES = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """The user's names of the columns (or the fields of the JSON objects); None where the user gives none."""

    text: str | None = None
    label: str | None = None
    rating: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The columns that are read. At least one of ``label``, ``rating`` and ``shares`` is there."""

    text: str
    label: str | None
    rating: str | None
    shares: tuple[str, ...]
    """Columns of votes or shares, one for each label and named by it; empty where none are read."""
    domain: str | None


def choose(name: str, there: Sequence[str], named: Columns, labels: Sequence[str] | None) -> Chosen:
    """Choose what to read of the file ``name`` with the columns ``there``; ``labels`` are those of --labels.

    A column that the user names is read. Where that is a label or a rating, nothing else says what a text is, whatever
    other columns are called; where it is neither, all of label, rating and shares are read that are there.

    Raises:
        SettingError: a column that was named is not there, or none to read the texts or what they are from; one that
            is read is there twice; a label that nobody named is that of a verdict.
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
            f"{name} has ratings in {rating!r}, which say {', '.join(LABELS)}: leave the labels out, or read the "
            f"column as labels with --label-column {rating}",
        )
    if label is not None and named.label is None and set(VERDICT) <= set(there):
        raise SettingError(
            Code.VERDICTS_AS_LABELS,
            f"{name} has the columns {', '.join(VERDICT)}, as classify writes them: what a model said is no label to "
            "measure or train it by; name that of the texts with --label-column",
        )
    domain = named.domain or (DOMAIN if DOMAIN in there else None)
    chosen = Chosen(named.text or TEXT, label, rating, shares, domain)
    read = (chosen.text, label, rating, *shares, domain)
    check_single(name, there, [column for column in read if column is not None])
    return chosen


def check_single(name: str, there: Sequence[str], read: Iterable[str]) -> None:
    """Raises SettingError where a column that is read is there twice: nothing says which one counts."""
    for column in read:
        if there.count(column) > 1:
            raise SettingError(
                Code.DUPLICATE_COLUMN,
                f"{name} has {there.count(column)} columns {shortened(column)!r}: rename all but one",
            )


def shortened(name: str) -> str:
    """As much of a label as can be shown."""
    return name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}…"


def enumerated(names: Collection[str]) -> str:
    """Names in a sentence, the first of many."""
    shown = ", ".join(shortened(name) for name in list(names)[:SHOWN_NAMES])
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES:,} more"


def listed(columns: Collection[str]) -> str:
    """The columns in a sentence. In a table without a header its first row stands there: a text is not quoted."""
    shown = enumerated(["…" if len(name) > SHOWN_CHARACTERS else name for name in columns])
    without_header = any(len(name) > SHOWN_CHARACTERS for name in columns)
    return f"{shown} (a table's first line names its columns: add one that does)" if without_header else shown

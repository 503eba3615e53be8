"""A report as Markdown, with its pictures in a folder next to it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from worker.evaluation.report.sections import Section, Subject
from worker.evaluation.report.tables import Table

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#"})


def as_markdown(subject: Subject, sections: Sequence[Section], pictures: str) -> str:
    """Return the report's text; ``pictures`` is the folder of the pictures, relative to it."""
    lines = [
        f"# {_plain(subject.title)}",
        "",
        f"{subject.size} of {_plain(subject.data)}, labels {_plain(', '.join(subject.labels))}, "
        f"on {_plain(subject.device)}, {subject.made_on}.",
    ]
    for section in sections:
        table = _table(section.table) if section.table else []
        picture = [f"![{section.title}]({quote(pictures)}/{section.name}.svg)", ""] if section.picture else []
        if not section.table_first and table:
            table = ["<details><summary>figures</summary>", "", *table, "", "</details>"]
        lines += ["", f"## {_plain(section.title)}", "", _plain(section.text), ""]
        lines += [*table, "", *picture] if section.table_first else [*picture, *table]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> list[str]:
    header, rows = table
    return [_row(header), _row(["---"] * len(header), plain=False), *(_row(row) for row in rows)]


def _row(cells: Sequence[str], *, plain: bool = True) -> str:
    return "| " + " | ".join(_plain(cell) if plain else cell for cell in cells) + " |"


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(_SPECIAL)

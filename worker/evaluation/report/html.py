"""A report as one self-contained HTML file: with its style and pictures, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from worker.evaluation.report.canvas import colour
from worker.evaluation.report.sections import Section, Subject
from worker.evaluation.report.tables import Table

_NUMBER = re.compile(r"[-\d.,()%\s]+s?")


def as_html(subject: Subject, sections: Sequence[Section]) -> str:
    """Return the page."""
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    tints = {model: colour(place) for place, model in enumerate(subject.models)}
    body = "\n".join(_section(section, tints) for section in sections)
    links = "".join(f'<a href="#{section.name}">{escape(section.title)}</a>' for section in sections)
    chips = "".join(f'<li style="--tint: {tints[model]}">{escape(model)}</li>' for model in subject.models)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(subject.title)} on {escape(subject.data)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kicker">Evaluation</p>
<h1>{escape(subject.data)}</h1>
<p class="facts">{subject.size} · {escape(", ".join(subject.labels))} · {escape(subject.device)} · \
{escape(subject.made_on)}</p>
<ul class="models">{chips}</ul>
<nav>{links}</nav>
</header>
<main>
{body}
</main>
<footer>Made by <code>sentiment-worker evaluate</code></footer>
</body>
</html>
"""


def _section(section: Section, tints: dict[str, str]) -> str:
    picture = f'<figure role="img" aria-label="{escape(section.title)}">{_fluid(section.picture)}</figure>'
    parts = [picture] if section.picture else []
    if section.table is not None:
        table = f'<div class="table">{_table(section.table, tints)}</div>'
        if section.table_first:
            parts.insert(0, table)
        else:
            parts.append(f"<details><summary>Figures</summary>{table}</details>")
    content = "\n".join(parts)
    return f"""<section id="{section.name}">
<h2>{escape(section.title)}</h2>
<p>{escape(section.text)}</p>
{content}
</section>"""


def _fluid(svg: str) -> str:
    """Replace the width with a property that the style sheet reads; the height follows from it."""
    return re.sub(r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', r'<svg \1style="--width: \2pt"', svg, count=1)


def _table(table: Table, tints: dict[str, str]) -> str:
    header, rows = table
    best = _best(header, rows) if len(rows) > 1 and header[0] == "model" else set()
    head = "".join(f"<th{_aligned(rows, column)}>{escape(name)}</th>" for column, name in enumerate(header))
    body = "\n".join(
        "<tr>" + "".join(_cell(cell, rows, (r, c) in best, c, tints) for c, cell in enumerate(row)) + "</tr>"
        for r, row in enumerate(rows)
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _cell(cell: str, rows: list[list[str]], best: bool, column: int, tints: dict[str, str]) -> str:
    if cell in tints:
        return f'<td><span class="model" style="--tint: {tints[cell]}">{escape(cell)}</span></td>'
    content = f"<b>{escape(cell)}</b>" if best else escape(cell)
    return f"<td{_aligned(rows, column)}>{content}</td>"


def _aligned(rows: list[list[str]], column: int) -> str:
    return ' class="number"' if all(_NUMBER.fullmatch(row[column]) for row in rows) else ""


def _best(header: list[str], rows: list[list[str]]) -> set[tuple[int, int]]:
    """Return (row, column) of the best value of each column of figures."""
    best = set()
    for column, name in enumerate(header):
        values = [(float(found[0]), r) for r, row in enumerate(rows) if (found := _leading_number(row[column]))]
        if len(values) < 2:
            continue
        lower_is_better = name in ("ECE", "loss", "behaviour failures", "load")
        wanted = (min if lower_is_better else max)(value for value, _ in values)
        best |= {(r, column) for value, r in values if value == wanted}
    return best


def _leading_number(cell: str) -> re.Match[str] | None:
    return re.match(r"\d[\d.]*", cell.replace(",", ""))

"""The sections of a report, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

from worker.evaluation.report.tables import Table
from worker.text import counted


@dataclass(frozen=True, slots=True)
class Subject:
    """The evaluated models and the texts that they were evaluated on."""

    data: str
    texts: int
    labels: tuple[str, ...]
    models: tuple[str, ...]
    device: str
    made_on: str
    """The date, as people write it."""

    @property
    def size(self) -> str:
        return counted(self.texts, "text")

    @property
    def title(self) -> str:
        return self.models[0] if len(self.models) == 1 else " vs ".join(self.models)


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer: a picture, the figures behind it, or both."""

    name: str
    title: str
    text: str
    picture: str = ""
    """SVG."""
    table: Table | None = None
    table_first: bool = False
    """Whether the figures matter most; otherwise they are collapsed if the format supports it."""

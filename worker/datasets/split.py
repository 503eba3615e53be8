"""A dev split taken from the training data: stratified by label, and never with the same text on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worker.datasets.labelled import Labelled
from worker.errors import Code, SettingError

Indices = NDArray[np.int64]


def hold_out(data: Labelled, share: float, seed: int) -> tuple[Indices, Indices]:
    """Return (train, dev): indices of all rows, ascending, the same for the same seed.

    About ``share`` of the texts of each label, at least one, go to dev. Repeats of a text, whatever its case and
    spacing, stay together: a text that was trained on says nothing about new ones.

    Raises:
        SettingError: no label has two texts, so there is none to hold out.
    """
    groups: dict[str, list[int]] = {}
    for index, text in enumerate(data.texts):
        groups.setdefault(plain(text), []).append(index)
    by_label: dict[int, list[list[int]]] = {}
    for members in groups.values():
        by_label.setdefault(int(data.truth[members[0]]), []).append(members)
    if len(groups) == len(by_label):
        raise SettingError(
            Code.TOO_FEW_TEXTS,
            f"{data.name} {_why_none(len(data), len(groups))}, or texts to choose by with --dev FILE",
        )
    rng = np.random.default_rng(seed)
    dev: list[int] = []
    for _, texts in sorted(by_label.items()):
        wanted = max(1, round(share * len(texts))) if len(texts) > 1 else 0
        for place in rng.permutation(len(texts))[:wanted].tolist():
            dev.extend(texts[place])
    held = np.array(sorted(dev), dtype=np.int64)
    return np.setdiff1d(np.arange(len(data), dtype=np.int64), held), held


def plain(text: str) -> str:
    """Return the form in which repeats of a text are equal."""
    return " ".join(text.casefold().split())


def _why_none(rows: int, texts: int) -> str:
    """Return what is wrong, and a remedy, if there are only as many different texts as labels."""
    if texts == rows:
        return (
            f"has as many labels as rows, {rows:,}, so no label has a second text to hold out: name the column of the "
            "labels with --label-column, give more texts"
        )
    if texts == 1:
        return f"repeats one text in all of its {rows:,} rows: give more texts"
    return f"has only {texts:,} different texts in {rows:,} rows, and no label has two of them: give more texts"

"""A dev split taken from the training data: by label, and never the same text on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worker.training.labelled import Labelled

Indices = NDArray[np.int64]


def hold_out(data: Labelled, share: float, seed: int) -> tuple[Indices, Indices]:
    """(train, dev): indices of all rows, ascending, the same for the same seed.

    About ``share`` of the texts of each label, at least one, go to dev. Repeats of a text, whatever its case and
    spacing, stay together: a text that was trained on says nothing about new ones.
    """
    groups: dict[str, list[int]] = {}
    for index, text in enumerate(data.texts):
        groups.setdefault(" ".join(text.casefold().split()), []).append(index)
    by_label: dict[int, list[list[int]]] = {}
    for members in groups.values():
        by_label.setdefault(int(data.truth[members[0]]), []).append(members)
    rng = np.random.default_rng(seed)
    dev: list[int] = []
    for _, texts in sorted(by_label.items()):
        wanted = max(1, round(share * len(texts))) if len(texts) > 1 else 0
        for place in rng.permutation(len(texts))[:wanted].tolist():
            dev.extend(texts[place])
    held = np.array(sorted(dev), dtype=np.int64)
    return np.setdiff1d(np.arange(len(data), dtype=np.int64), held), held

"""Warnings about labelled texts before training or measuring with them, as sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worker.datasets.columns import enumerated
from worker.datasets.labelled import Labelled
from worker.datasets.split import plain
from worker.text import counted

#: With fewer texts of a label, a classifier hardly learns it.
ENOUGH_OF_A_LABEL = 5

#: With fewer texts of a label, its figures, and a mean over labels, are mostly chance.
ENOUGH_TO_MEASURE = 20


def training_warnings(training: Labelled, choosing: Labelled) -> list[str]:
    """Return a sentence for each problem that makes a training less useful; it names labels, never a text."""
    found = []
    shared = shared_texts(training, choosing)
    if shared:
        found.append(
            f"{counted(shared, 'text')} of the dev set {'is' if shared == 1 else 'are'} also in the training set, "
            "so a good score there says nothing: remove them from one of the two"
        )
    counts = texts_of_labels(training)
    absent = [label for label, count in counts.items() if not count]
    if absent:
        found.append(
            f"no text to train on has the label {enumerated(absent)}, so it cannot be learnt: add texts with it, "
            "or leave it out"
        )
    few = [f"{label} ({count})" for label, count in counts.items() if 0 < count < ENOUGH_OF_A_LABEL]
    if few:
        found.append(
            f"labels with fewer than {ENOUGH_OF_A_LABEL} texts to train on are hardly learnt: add more of "
            f"{enumerated(few)}, or correct their spelling"
        )
    return found


def evaluation_warnings(support: Mapping[str, int]) -> list[str]:
    """Return a sentence for each problem that makes figures less reliable; it names labels, never a text.

    ``support`` is the number of texts with each label.
    """
    few = [f"{label} ({texts})" for label, texts in support.items() if 0 < texts < ENOUGH_TO_MEASURE]
    if not few:
        return []
    return [
        f"labels with fewer than {ENOUGH_TO_MEASURE} texts: {enumerated(few)}; their figures are unreliable, and so is "
        "macro F1, which weights every label equally"
    ]


def shared_texts(training: Labelled, choosing: Labelled) -> int:
    """Return how many texts of the dev set are also in the training set, whatever their case and spacing."""
    known = {plain(text) for text in training.texts}
    return sum(plain(text) in known for text in choosing.texts)


def texts_of_labels(data: Labelled) -> dict[str, int]:
    """Return the number of texts with each label; with vote shares, of those for which anybody chose it."""
    if data.kind == "vote shares":
        counts = (data.targets > 0).sum(axis=0)
    else:
        counts = np.bincount(data.truth, minlength=len(data.labels))
    return dict(zip(data.labels, counts.tolist(), strict=True))

"""Warnings about labelled texts, in sentences, before one trains or measures with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worker.datasets.columns import enumerated
from worker.datasets.labelled import Labelled
from worker.datasets.split import plain
from worker.text import counted

#: Texts of a label with fewer of which a classifier hardly learns it.
ENOUGH_OF_A_LABEL = 5

#: Texts of a label with fewer of which its figures, and a mean over labels, are mostly chance.
ENOUGH_TO_MEASURE = 20


def training_warnings(training: Labelled, choosing: Labelled) -> list[str]:
    """Return a sentence for each thing that makes a training worth less; it names labels, and no text."""
    found = []
    shared = shared_texts(training, choosing)
    if shared:
        found.append(
            f"{counted(shared, 'text')} to choose by {'is' if shared == 1 else 'are'} among those to train on, too, "
            "where a good score says nothing: leave them out of one"
        )
    counts = texts_of_labels(training)
    absent = [label for label, count in counts.items() if not count]
    if absent:
        found.append(
            f"no text to train on has the label {enumerated(absent)}, so that it cannot be learnt: give texts of it, "
            "or leave it out"
        )
    few = [f"{label} ({count})" for label, count in counts.items() if 0 < count < ENOUGH_OF_A_LABEL]
    if few:
        found.append(
            f"labels with fewer than {ENOUGH_OF_A_LABEL} texts to train on are hardly learnt: give more of "
            f"{enumerated(few)}, or correct them, where they are misspelt"
        )
    return found


def evaluation_warnings(support: Mapping[str, int]) -> list[str]:
    """Return a sentence for each thing that makes figures worth less; it names labels, and no text.

    ``support`` is how many texts have each label.
    """
    few = [f"{label} ({texts})" for label, texts in support.items() if 0 < texts < ENOUGH_TO_MEASURE]
    if not few:
        return []
    return [
        f"labels with fewer than {ENOUGH_TO_MEASURE} texts: {enumerated(few)}; their figures, and macro F1, which "
        "counts every label alike, say little"
    ]


def shared_texts(training: Labelled, choosing: Labelled) -> int:
    """How many of the texts to choose by are trained on, too, whatever their case and spacing."""
    known = {plain(text) for text in training.texts}
    return sum(plain(text) in known for text in choosing.texts)


def texts_of_labels(data: Labelled) -> dict[str, int]:
    """Of each label the number of texts; with vote shares, of those for which somebody named it."""
    if data.kind == "vote shares":
        counts = (data.targets > 0).sum(axis=0)
    else:
        counts = np.bincount(data.truth, minlength=len(data.labels))
    return dict(zip(data.labels, counts.tolist(), strict=True))

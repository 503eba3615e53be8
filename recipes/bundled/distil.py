"""Distillation of a large teacher into a small student: the teacher's labels on the corpus, and the training mixture.

Labelling takes long, so labels are written chunk by chunk: a stopped run continues with the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.bundled.augment import make_typos
from recipes.bundled.corpus import Corpus
from recipes.bundled.features import LogitsAndFeatures, logits_and_features
from recipes.bundled.generate import Generated, generate, read_grammar, surround
from recipes.bundled.loss import RATING_UNIT
from recipes.bundled.rated import RatedExamples, RatedText, examples_of, join
from recipes.bundled.sizes import SIZES, Sizes
from worker.datasets.examples import LABELS, RATING_ERROR, soft_targets
from worker.evaluation.metrics import softmax

#: What a small classifier learns last, labelled by construction alone.
HARD: frozenset[str] = frozenset({"negation at a distance", "contrast", "negation", "intensifiers", "slang"})
SIGNS: frozenset[str] = frozenset({"emoji", "emoticons"})
IDENTITY: frozenset[str] = frozenset({"identity"})
#: People differ more over a text in general than over one that they have rated: twice the usual error.
BUILT_ERROR = 2 * RATING_ERROR

#: What a teacher reads wrongly or cannot read at all (its vocabulary has no emoji): there the construction counts.
BUILT_CERTAIN = frozenset(
    {"negation at a distance", "emoji", "emoticons", "neutral", "identity", "negation", "contrast"}
)


def label(
    teacher: Any,
    tokenizer: Any,
    texts: Sequence[str],
    folder: Path,
    *,
    teacher_digest: str,
    chunk: int = 2_000,
    progress: Callable[[int, int], None] | None = None,
) -> LogitsAndFeatures:
    """Return the teacher's logits and features of the texts, cached in ``folder`` chunk by chunk.

    A chunk's file is named by its texts and ``teacher_digest``, the digest of the teacher's weights: labels of other
    texts, or of another teacher, are not found.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[LogitsAndFeatures] = []
    for start in range(0, len(texts), chunk):
        some = texts[start : start + chunk]
        name = hashlib.sha256("\0".join([teacher_digest, *some]).encode()).hexdigest()
        path = folder / f"{name}.npz"
        if not path.exists():
            said = logits_and_features(teacher, tokenizer, some)
            fresh = path.with_suffix(".new")
            with fresh.open("wb") as stream:
                np.savez(stream, logits=said.logits, features=said.features)
            os.replace(fresh, path)
        with np.load(path) as stored:
            parts.append(LogitsAndFeatures(stored["logits"], stored["features"]))
        if progress is not None:
            progress(start + len(some), len(texts))
    return LogitsAndFeatures(
        np.concatenate([part.logits for part in parts]), np.concatenate([part.features for part in parts])
    )


def taught(texts: Sequence[str], outputs: LogitsAndFeatures, temperature: float) -> RatedExamples:
    """Return examples with a teacher's calibrated scores, its rating and its features."""
    labels = len(LABELS)
    return RatedExamples(
        tuple(texts),
        softmax(outputs.logits[:, :labels] / temperature).astype(np.float32),
        np.ones(len(texts), np.float32),
        (outputs.logits[:, labels] * RATING_UNIT).astype(np.float32),
        outputs.features,
    )


def blend(built: RatedExamples, taught_part: RatedExamples, share: NDArray[np.float32]) -> RatedExamples:
    """Mix row by row ``share`` (n,) of the first columns with the rest of the second's, for (nearly) the same texts."""
    column = share[:, None]
    return RatedExamples(
        built.texts,
        (column * built.targets + (1.0 - column) * taught_part.targets).astype(np.float32),
        built.weights,
        (share * built.ratings + (1.0 - share) * taught_part.ratings).astype(np.float32),
        taught_part.features,
    )


def built_examples(texts: Sequence[Generated], weight: float = 0.5, error: float = BUILT_ERROR) -> RatedExamples:
    """Return generated texts with the targets of their rating by construction, whose standard error is ``error``."""
    ratings = np.array([text.rating for text in texts], np.float32)
    targets = soft_targets(ratings, error=error)
    return RatedExamples(tuple(text.text for text in texts), targets, np.full(len(texts), weight, np.float32), ratings)


def generated_examples(texts: Sequence[Generated], outputs: LogitsAndFeatures, temperature: float) -> RatedExamples:
    """Return generated texts with targets by construction where that is certain, else half of it and half teacher."""
    built = built_examples(texts)
    share = np.array([0.85 if text.capability in BUILT_CERTAIN else 0.5 for text in texts], np.float32)
    blended = blend(built, taught(built.texts, outputs, temperature), share)
    # Where the teacher is not trusted with a text, its features are not trusted either.
    return replace(blended, features=None)


def rated_examples(rows: Sequence[RatedText], outputs: LogitsAndFeatures, temperature: float) -> RatedExamples:
    """Return rated sentences: half of each target is its panel's, half its teacher's."""
    rated = examples_of(rows)
    return blend(rated, taught(rated.texts, outputs, temperature), np.full(len(rows), 0.5, np.float32))


def typo_examples(examples: RatedExamples, count: int, seed: int) -> RatedExamples:
    """Return some of these examples with typing errors, and everything else unchanged."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(examples))[:count]
    return RatedExamples(
        tuple(make_typos(examples.texts[row], rng) for row in rows.tolist()),
        examples.targets[rows],
        examples.weights[rows],
        examples.ratings[rows],
        None if examples.features is None else examples.features[rows],
    )


def mixture(
    rows: Sequence[RatedText],
    corpus: Corpus,
    outputs: Mapping[str, LogitsAndFeatures],
    temperature: float,
    seed: int = 5,
    sizes: Sizes = SIZES,
) -> RatedExamples:
    """Return the student's examples. ``outputs`` are the teacher's by part of the corpus, and for ``train``."""
    rated = rated_examples(rows, outputs["train"], temperature)
    grammar = read_grammar()
    return join(
        [
            rated,
            rated,  # all the rest is there to help with these
            taught(corpus.words, outputs["words"], temperature),
            generated_examples(corpus.generated, outputs["generated"], temperature),
            taught(corpus.changed, outputs["changed"], temperature),
            taught(corpus.reviews, outputs["reviews"], temperature),
            typo_examples(rated, sizes.typos, seed),
            built_examples(generate(grammar.only(HARD), sizes.hard, seed), weight=1.0),
            built_examples(generate(grammar.only(SIGNS), sizes.signs, seed), weight=1.0),
            built_examples(generate(grammar.only(IDENTITY), sizes.identity, seed), weight=1.0),
            built_examples(surround(grammar, sizes.long, seed)),
        ]
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write figures for people and scripts to read, keys in their order."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

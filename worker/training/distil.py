"""From a large teacher to a small student: the texts, the teacher's labels on them, and the mixture to train on.

The labels of a teacher cost far more time than anything else here, so they are written chunk by chunk: a run that is
stopped goes on with the next chunk, and what is labelled so far can be trained on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.training.augment import Neighbours, changed_copies, make_typos, nearest_words
from worker.training.data import LABELS, Examples, RatedText, examples_of, join, soft_targets
from worker.training.generate import Generated, generate, read_grammar
from worker.training.loop import RATING_UNIT
from worker.training.metrics import softmax
from worker.training.scoring import logits_of

#: Changed copies of the training texts, by kind.
PLAN: Mapping[str, int] = {"swap": 14_000, "fragment": 9_000, "negation": 4_000, "join": 3_000, "drop": 2_000}
GENERATED = 9_000
#: Further generated texts of what a small classifier learns last, labelled by their construction alone.
HARD: frozenset[str] = frozenset({"negation at a distance", "contrast", "negation"})
HARD_GENERATED = 12_000
#: Words of the vocabulary that are labelled on their own.
WORDS = 20_000
TYPOS = 4_000

#: What a teacher reads wrongly or cannot read at all (its vocabulary has no emoji): there the construction counts.
BUILT_CERTAIN = frozenset({"negation at a distance", "emoji", "emoticons", "neutral", "negation", "contrast"})

#: Words that hold a sentence together; swapping them makes noise and no new opinion.
_GLUE = frozenset({
    "the", "and", "but", "for", "nor", "not", "with", "was", "were", "are", "has", "had", "have", "that",
    "this", "these", "those", "you", "your", "they", "them", "their", "his", "her", "she", "him", "its", "our",
    "who", "whom", "which", "what", "when", "where", "why", "how", "from", "into", "than", "then", "very",
    "too", "can", "could", "will", "would", "should", "may", "might", "must", "did", "does", "don", "doesn",
    "isn", "wasn", "won", "one", "all", "any", "some", "there", "here", "out", "off", "over", "about", "after",
    "before",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything the student sees but the rated sentences: texts in parts that share a source of labels."""

    words: tuple[str, ...]
    changed: tuple[str, ...]
    generated: tuple[Generated, ...]

    def __repr__(self) -> str:
        return f"Corpus(words={len(self.words)}, changed={len(self.changed)}, generated={len(self.generated)})"

    def parts(self) -> dict[str, list[str]]:
        """Texts to label, in the order in which they are worth their time."""
        return {
            "words": list(self.words),
            "generated": [text.text for text in self.generated],
            "changed": list(self.changed),
        }


def plain_words(vocabulary: Mapping[str, int]) -> list[str]:
    """The whole words of a WordPiece vocabulary: three letters or more, no continuation pieces, in its order."""
    ordered = sorted(vocabulary.items(), key=lambda item: item[1])
    return [piece for piece, _ in ordered if len(piece) >= 3 and piece.isascii() and piece.isalpha()]


def word_neighbours(
    vocabulary: Mapping[str, int], vectors: NDArray[np.float32], texts: Sequence[str], count: int = 12
) -> Neighbours:
    """For each word of the texts, its nearest words among them by the teacher's word vectors (old ids, width)."""
    used = {word for text in texts for word in text.lower().split()}
    words = [word for word in plain_words(vocabulary) if word in used and word not in _GLUE]
    return nearest_words(words, vectors[[vocabulary[word] for word in words]], count)


def build_corpus(rows: Sequence[RatedText], neighbours: Neighbours, words: Sequence[str], seed: int) -> Corpus:
    """The corpus for these rated sentences; the same for the same seed."""
    texts = [row.text for row in rows]
    copies = changed_copies(texts, PLAN, neighbours, seed)
    changed = [text for kind in copies.values() for text in kind]
    order = np.random.default_rng(seed).permutation(len(changed))
    return Corpus(tuple(words), tuple(changed[i] for i in order), tuple(generate(read_grammar(), GENERATED, seed)))


def label(
    teacher: Any,
    tokenizer: Any,
    texts: Sequence[str],
    folder: Path,
    *,
    chunk: int = 2_000,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """The teacher's logits (n, outputs) of the texts, kept in ``folder`` chunk by chunk; finished chunks are read."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(texts), chunk):
        path = folder / f"{start:07d}.npy"
        if not path.exists():
            logits = logits_of(teacher, tokenizer, texts[start : start + chunk])
            fresh = path.with_suffix(".new")
            with fresh.open("wb") as stream:
                np.save(stream, logits)
            os.replace(fresh, path)
        parts.append(np.load(path))
        if progress is not None:
            progress(min(start + chunk, len(texts)), len(texts))
    return np.concatenate(parts)


def taught(texts: Sequence[str], logits: NDArray[np.float32], temperature: float, weight: float = 1.0) -> Examples:
    """Examples with a teacher's calibrated scores and its rating."""
    count = len(logits)
    return Examples(
        tuple(texts[:count]),
        softmax(logits[:, : len(LABELS)] / temperature).astype(np.float32),
        (logits[:, len(LABELS)] * RATING_UNIT).astype(np.float32),
        np.full(count, weight, np.float32),
    )


def blend(built: Examples, taught_part: Examples, share: NDArray[np.float32]) -> Examples:
    """Row by row ``share`` (n,) of the first columns and the rest of the second's, on the same texts."""
    column = share[:, None]
    return Examples(
        built.texts,
        (column * built.targets + (1.0 - column) * taught_part.targets).astype(np.float32),
        (share * built.ratings + (1.0 - share) * taught_part.ratings).astype(np.float32),
        built.weights,
    )


def built_examples(texts: Sequence[Generated], weight: float = 0.5) -> Examples:
    """Generated texts with the targets of the rating that their construction gives them."""
    ratings = np.array([text.rating for text in texts], np.float32)
    # People differ more over a text in general than over one that they have rated: twice the usual error.
    targets = soft_targets(ratings, error=0.6)
    return Examples(tuple(text.text for text in texts), targets, ratings, np.full(len(texts), weight, np.float32))


def generated_examples(texts: Sequence[Generated], logits: NDArray[np.float32], temperature: float) -> Examples:
    """Generated texts: by construction where that is certain, elsewhere half of it and half of the teacher."""
    built = built_examples(texts)
    share = np.array([0.85 if text.capability in BUILT_CERTAIN else 0.5 for text in texts], np.float32)
    return blend(built, taught([text.text for text in texts], logits, temperature), share)


def typo_examples(rows: Sequence[RatedText], count: int, seed: int) -> Examples:
    """Rated sentences with typing errors, which change no rating."""
    rng = np.random.default_rng(seed)
    chosen = [rows[i] for i in rng.permutation(len(rows))[:count].tolist()]
    return examples_of([RatedText(row.id, row.domain, make_typos(row.text, rng), row.rating) for row in chosen])


def rated_examples(
    rows: Sequence[RatedText], logits: NDArray[np.float32], temperature: float, panel: float = 0.5
) -> Examples:
    """Rated sentences: of each target the share ``panel`` is its panel's, the rest its teacher's (by ``logits``)."""
    rated = examples_of(rows)
    return blend(rated, taught(rated.texts, logits, temperature), np.full(len(rows), panel, np.float32))


def mixture(
    rows: Sequence[RatedText],
    corpus: Corpus,
    logits: Mapping[str, NDArray[np.float32]],
    temperature: float,
    *,
    seed: int = 5,
) -> Examples:
    """What the student trains on. ``logits`` are the teacher's by part of the corpus, and for ``train``."""
    return join(
        [
            rated_examples(rows, logits["train"], temperature),
            taught(corpus.words, logits["words"], temperature, weight=0.3),
            generated_examples(corpus.generated, logits["generated"], temperature),
            taught(corpus.changed, logits["changed"], temperature),
            typo_examples(rows, TYPOS, seed),
            built_examples(generate(read_grammar(only=HARD), HARD_GENERATED, seed), weight=1.0),
        ]
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write figures for people and scripts to read, keys in their order."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

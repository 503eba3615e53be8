"""A student's texts besides the rated ones: single words, changed copies, texts of the grammar, and unrated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.bundled.augment import Neighbours, changed_copies, nearest_words
from recipes.bundled.generate import Generated, generate, read_grammar
from recipes.bundled.rated import RatedText
from recipes.bundled.reviews import one_of_each
from recipes.bundled.sizes import SIZES, Sizes

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
    """All texts of the student except for the rated sentences, in parts that share a source of labels."""

    words: tuple[str, ...]
    changed: tuple[str, ...]
    generated: tuple[Generated, ...]
    reviews: tuple[str, ...]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={len(texts)}" for name, texts in self.parts().items())
        return f"Corpus({sizes})"

    def parts(self) -> dict[str, list[str]]:
        """Return the texts to label, by kind."""
        return {
            "words": list(self.words),
            "generated": [text.text for text in self.generated],
            "changed": list(self.changed),
            "reviews": list(self.reviews),
        }


def plain_words(vocabulary: Mapping[str, int]) -> list[str]:
    """Return the whole words of a WordPiece vocabulary: three letters or more, no continuation pieces, in its order."""
    ordered = sorted(vocabulary.items(), key=lambda item: item[1])
    return [piece for piece, _ in ordered if len(piece) >= 3 and piece.isascii() and piece.isalpha()]


def word_neighbours(
    vocabulary: Mapping[str, int], vectors: NDArray[np.float32], texts: Sequence[str] | None, count: int
) -> Neighbours:
    """Return, for each word of the texts or of the whole vocabulary, the ``count`` nearest by vectors (ids, width)."""
    words = [word for word in plain_words(vocabulary) if word not in _GLUE]
    if texts is not None:
        used = {word for text in texts for word in text.lower().split()}
        words = [word for word in words if word in used]
    return nearest_words(words, vectors[[vocabulary[word] for word in words]], count)


def build_corpus(
    rows: Sequence[RatedText],
    reviews: Sequence[str],
    excluded: Sequence[str],
    vocabulary: Mapping[str, int],
    vectors: NDArray[np.float32],
    seed: int,
    sizes: Sizes = SIZES,
) -> Corpus:
    """Return the corpus for these rated sentences, with a teacher's vocabulary and word vectors (ids, width).

    Sentences of the unrated ``reviews`` that are also rated, or in ``excluded``, are left out. The result is the same
    for the same seed.
    """
    texts = [row.text for row in rows]
    near = word_neighbours(vocabulary, vectors, texts, sizes.near_neighbours)
    wide = word_neighbours(vocabulary, vectors, None, sizes.wide_neighbours)
    changed = [
        *_shuffled_copies(texts, sizes.near_plan, near, seed),
        *_shuffled_copies(texts, sizes.wide_plan, wide, 2 * seed + 1),
    ]
    words = plain_words(vocabulary)[: sizes.words]
    return Corpus(
        tuple(words),
        tuple(dict.fromkeys(changed)),
        tuple(generate(read_grammar(), sizes.generated, seed)),
        tuple(one_of_each(reviews, sizes.reviews, seed, [*texts, *excluded])),
    )


def _shuffled_copies(texts: Sequence[str], plan: Mapping[str, int], neighbours: Neighbours, seed: int) -> list[str]:
    copies = [text for kind in changed_copies(texts, plan, neighbours, seed).values() for text in kind]
    return [copies[i] for i in np.random.default_rng(seed).permutation(len(copies)).tolist()]

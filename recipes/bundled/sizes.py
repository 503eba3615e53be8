"""How much of everything goes into the bundled classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many texts of each source teacher and student see; as they stand here, those of the classifier that ships."""

    teacher_generated: int = 2_500
    """Built texts that the teacher sees besides the rated ones, at half their weight."""
    near_plan: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"swap": 3_000, "fragment": 1_500, "negation": 1_000, "join": 500})
    )
    """Changed copies of the training texts, by kind: with words that these texts use, too ..."""
    wide_plan: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({"swap": 3_000, "fragment": 1_000}))
    """... and with all words of the vocabulary, which is how the student meets those that it was never rated on."""
    near_neighbours: int = 12
    """How many near words of those texts a word may be swapped for."""
    wide_neighbours: int = 8
    """The same of the vocabulary."""
    generated: int = 4_000
    """Texts of the whole grammar, for the teacher to label."""
    words: int = 4_000
    """Words of the vocabulary that are labelled on their own."""
    reviews: int = 16_000
    """Sentences of reviews that nobody rated, each of another review."""
    hard: int = 6_000
    """Generated texts of what a small classifier learns last, labelled by their construction alone."""
    signs: int = 3_000
    """Further ones with emoji and emoticons, of which the teacher knows none and the rated texts hold few."""
    identity: int = 1_500
    """Further statements of what people are, which a small classifier takes for praise or blame."""
    long: int = 1_000
    """Opinions of the grammar among sentences that say nothing."""
    typos: int = 5_000
    """Rated sentences with typing errors."""


SIZES = Sizes()

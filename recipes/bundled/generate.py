"""Texts from a grammar, each with the rating that its construction gives it.

The grammar is data (`grammar.toml`): rules of templates whose slots are filled at random. Texts that a teacher cannot
be trusted with, such as a negation far from what it negates, have a certain label here because we built them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.bundled.emoji import EMOJI

_SLOT = re.compile(r"\{(a:)?(\w+)\}")
_VOWEL_SOUND = re.compile(r"(?i)(?!one|use|uni(?![mn])|eu)[aeiou]")


@dataclass(frozen=True, slots=True)
class Generated:
    """A text, the capability that its rule trains, and its rating by construction (-4 .. +4)."""

    text: str
    capability: str
    rating: float


@dataclass(frozen=True, slots=True)
class Grammar:
    """Words of each slot, and the rules as (capability, rating, templates)."""

    slots: dict[str, tuple[str, ...]]
    rules: tuple[tuple[str, float, tuple[str, ...]], ...]

    def only(self, capabilities: Collection[str]) -> Grammar:
        """Return the same words with only the rules of these capabilities."""
        return Grammar(self.slots, tuple(rule for rule in self.rules if rule[0] in capabilities))


def read_grammar(path: Path | None = None) -> Grammar:
    """Read the grammar; emoji slots come from `recipes.bundled.emoji`."""
    source = path or Path(__file__).with_name("grammar.toml")
    content: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    slots = {name: tuple(words) for name, words in content["slots"].items()}
    for name, mood in (("goodemoji", 1), ("thingemoji", 0), ("bademoji", -1)):
        slots[name] = tuple(sign for sign, (_, sign_mood) in EMOJI.items() if sign_mood == mood)
    rules = tuple((rule["capability"], float(rule["rating"]), tuple(rule["texts"])) for rule in content["rule"])
    return Grammar(slots, rules)


def fill(template: str, grammar: Grammar, rng: np.random.Generator) -> str:
    """Replace every slot of a template, and those within the words inserted, with random words."""

    def word(found: re.Match[str]) -> str:
        words = grammar.slots[found[2]]
        chosen = fill(words[int(rng.integers(len(words)))], grammar, rng)
        if not found[1] or chosen.startswith(("a ", "an ", "the ")):
            return chosen
        return f"{'an' if _VOWEL_SOUND.match(chosen) else 'a'} {chosen}"

    return _SLOT.sub(word, template)


def generate(grammar: Grammar, count: int, seed: int) -> list[Generated]:
    """Return ``count`` texts without repeats, from templates drawn uniformly; the same for the same seed."""
    rng = np.random.default_rng(seed)
    templates = [(capability, rating, text) for capability, rating, texts in grammar.rules for text in texts]
    seen: dict[str, Generated] = {}
    for _ in range(count * 20):
        if len(seen) == count:
            break
        capability, rating, template = templates[int(rng.integers(len(templates)))]
        text = fill(template, grammar, rng)
        if rng.random() < 0.7:
            text = text[:1].upper() + text[1:]
        seen.setdefault(text, Generated(text, capability, rating))
    return list(seen.values())


#: What is left of a rating when the opinion stands among sentences that say nothing.
SURROUNDED = 0.8


def surround(grammar: Grammar, count: int, seed: int) -> list[Generated]:
    """Return ``count`` longer texts: two to nine neutral sentences, with an opinion among them in three of four."""
    rng = np.random.default_rng(seed)
    neutral = [text.text for text in generate(grammar.only({"neutral"}), 2_000, seed)]
    facts = [text for text in neutral if len(text.split()) >= 4]
    opinions = generate(grammar.only({"opinion", "plain words", "intensifiers"}), count, seed)
    texts: list[Generated] = []
    for opinion in opinions:
        chosen = [facts[i] for i in rng.choice(len(facts), int(rng.integers(2, 10)), replace=False).tolist()]
        rating = 0.0
        if rng.random() < 0.75:
            chosen.insert(int(rng.integers(len(chosen) + 1)), opinion.text)
            rating = opinion.rating * SURROUNDED
        whole = " ".join(text if text.endswith((".", "!", "?")) else f"{text}." for text in chosen)
        texts.append(Generated(whole, "length", rating))
    return texts

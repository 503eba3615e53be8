"""Texts from the grammar: whole, balanced, repeatable, and apart from what the behaviour suite measures with."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np

import worker.training.behaviour as behaviour
from worker.training.behaviour import read_suite
from worker.training.generate import Grammar, fill, generate, read_grammar


def test_slots_nest_and_articles_fit() -> None:
    grammar = Grammar({"what": ("{size} egg",), "size": ("old",), "one": ("one-off joke",)}, ())
    rng = np.random.default_rng(0)
    assert fill("{a:what}, {a:one}", grammar, rng) == "an old egg, a one-off joke"


def test_every_slot_of_the_grammar_exists_and_is_filled() -> None:
    texts = generate(read_grammar(), 6_000, seed=3)
    assert len(texts) == 6_000
    assert not [text.text for text in texts if re.search(r"[{}]", text.text)]


def test_generation_repeats_with_its_seed_only() -> None:
    grammar = read_grammar()
    assert generate(grammar, 200, seed=1) == generate(grammar, 200, seed=1)
    assert generate(grammar, 200, seed=1) != generate(grammar, 200, seed=2)


def test_each_capability_has_both_moods_or_none() -> None:
    moods = Counter((text.capability, np.sign(text.rating)) for text in generate(read_grammar(), 8_000, seed=5))
    for capability in {name for name, _ in moods} - {"neutral"}:
        low, high = sorted((moods[capability, -1.0], moods[capability, 1.0]))
        assert low > 0.4 * high, capability


def test_a_grammar_of_some_capabilities_makes_no_others() -> None:
    texts = generate(read_grammar().only({"contrast", "negation"}), 60, seed=3)
    assert {text.capability for text in texts} == {"contrast", "negation"}


def test_training_and_behaviour_suite_share_no_template_and_no_words() -> None:
    def content(path: Path) -> dict[str, dict[str, list[str]]]:
        return tomllib.loads(path.read_text(encoding="utf-8"))

    suite = content(Path(behaviour.__file__).with_name("suite.toml"))
    grammar = content(Path(behaviour.__file__).parent.with_name("grammar.toml"))
    trained = {word.lower() for words in grammar["slots"].values() for word in words}
    measured = {word.lower() for words in suite["words"].values() for word in words}
    assert not trained & measured
    templates = {text.lower() for _, _, texts in read_grammar().rules for text in texts}
    texts = {text.lower() for test in read_suite() for text in test.texts}
    assert not templates & texts
    assert not {text.text.lower() for text in generate(read_grammar(), 20_000, seed=11)} & texts

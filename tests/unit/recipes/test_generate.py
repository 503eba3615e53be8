"""Texts from the grammar: whole, balanced, repeatable, and apart from what the behaviour suite measures with."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np

import worker.evaluation.behaviour as behaviour
from recipes.bundled.generate import Grammar, fill, generate, read_grammar
from recipes.bundled.recipe import HELD_OUT
from recipes.bundled.reviews import words_of
from worker.evaluation.behaviour import read_suite


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
    for capability in {name for name, _ in moods} - {"neutral", "identity"}:
        low, high = sorted((moods[capability, -1.0], moods[capability, 1.0]))
        assert low > 0.4 * high, capability


def test_a_grammar_of_some_capabilities_makes_no_others() -> None:
    texts = generate(read_grammar().only({"contrast", "negation"}), 60, seed=3)
    assert {text.capability for text in texts} == {"contrast", "negation"}


def test_training_and_behaviour_suite_share_no_text_and_no_word_list() -> None:
    suite = tomllib.loads(Path(behaviour.__file__).with_name("suite.toml").read_text(encoding="utf-8"))
    grammar = read_grammar()
    slots = {words_of(word) for words in grammar.slots.values() for word in words}
    templates = {words_of(text) for _, _, texts in grammar.rules for text in texts}
    built = {words_of(text.text) for text in generate(grammar, 20_000, seed=11)}
    measured = {words_of(text) for test in read_suite() for text in test.texts}
    # Written without a look at the grammar: single words such as "ugh" are met by chance.
    held_out = {words_of(text) for test in read_suite(HELD_OUT) for text in test.texts if len(text.split()) > 2}
    assert not slots & {words_of(word) for words in suite["words"].values() for word in words}
    assert not (templates | built) & (measured | held_out)
    opinions = {words_of(word) for name in OPINIONS for word in grammar.slots[name]}
    assert not opinions & measured


#: Slots whose words are a verdict by themselves.
OPINIONS = ("good", "bad", "goodnoun", "badnoun", "goodslang", "badslang", "liked", "disliked")

#: How templates of the sentiment notebook of CheckList (Ribeiro et al. 2020) read, their slots as "_".
PUBLISHED = {
    "the _ is _", "the _ was _", "this _ is _", "this _ was _", "that _ was _", "it is a _ _", "it was a _ _",
    "i _ the _", "i _ this _", "we _ the _", "we _ this _", "i _ that _",
    "the _ is not _", "the _ was not _", "this _ is not _", "the _ isn't _", "the _ wasn't _", "it isn't a _ _",
    "i don't _ the _", "i don't _ this _", "i can't say i _ the _", "i would never say i _ this _", "no one _ the _",
    "i don't think the _ is _", "i would never say that the _ is _", "i can't say that the _ was _",
    "i thought the _ would be _ but it was _", "i thought the _ would be _ but it wasn't",
    "i don't think _ that the _ is _", "i can't say _ that the _ was _", "i would never say _ that the _ is _",
    "do i think the _ is _ yes", "do i think the _ is _ no", "did i _ the _ yes", "did i _ the _ no",
    "was the _ _ yes", "was the _ _ no", "is the _ _ yes", "is the _ _ no",
    "i used to _ the _ now i _ it", "i used to think the _ was _ now i think it is _",
    "some people think the _ is _ but i think it is _", "they say the _ is _ i think it is _",
}  # fmt: skip


def test_no_template_is_that_of_a_published_suite() -> None:
    def skeleton(template: str) -> str:
        plain = template.removeprefix("{opener}").replace("{very} {good}", "{good}").replace("{very} {bad}", "{bad}")
        plain = plain.replace("{a:", "a {")
        return words_of(re.sub(r"\{[^}]*\}", " _ ", plain))

    taught = {skeleton(text): text for _, rating, texts in read_grammar().rules if rating for text in texts}
    assert not {text for plain, text in taught.items() if plain in PUBLISHED}


def test_articles_fit_what_follows_them() -> None:
    texts = [text.text for text in generate(read_grammar(), 3_000, seed=4)]
    wrong = re.compile(r"(?i)\b(?:a [aeio]|an [^aeiou\W\d])\w+")
    assert not [found[0] for text in texts for found in wrong.finditer(text) if found[0].lower() not in SOUNDS]


#: What is spelt with a vowel and spoken without one.
SOUNDS = {"a one", "a european", "a once"}

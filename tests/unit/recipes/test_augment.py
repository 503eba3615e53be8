"""Changed copies: each kind changes what it says it changes, and the same seed gives the same texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.bundled.augment import (
    changed_copies,
    join_texts,
    make_typos,
    nearest_words,
    swap_words,
    take_fragment,
    toggle_negation,
)

TEXTS = ["The film is a joy, but the sound is poor.", "I don't like it at all.", "We waited for hours at the gate."]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't good", "It is good"),
        ("You won't like it", "You will like it"),
        ("we can’t go", "we can go"),
        ("never again", "again"),
    ],
)
def test_a_negation_is_taken_out(text: str, expected: str) -> None:
    assert toggle_negation(text, rng()) == expected


@pytest.mark.parametrize("seed", range(8))
def test_a_negation_is_put_in(seed: int) -> None:
    changed = toggle_negation("The room was clean", rng(seed))
    assert changed.startswith("The room was ")
    assert changed.endswith(" clean")
    assert {"not", "never", "hardly"} & set(changed.split())
    assert toggle_negation("Clean room", rng(seed)) == "not clean room"


@given(st.text(max_size=80), st.integers(0, 1000))
def test_no_text_breaks_a_change(text: str, seed: int) -> None:
    for change in (make_typos, toggle_negation, take_fragment):
        assert isinstance(change(text, rng(seed)), str)


def test_typos_keep_first_letters_and_most_of_the_text() -> None:
    text = "wonderful acting throughout the second half"
    changed = make_typos(text, rng(3))
    assert changed != text
    assert [word[0] for word in changed.split()] == [word[0] for word in text.split()]
    assert abs(len(changed) - len(text)) <= 2


def test_a_fragment_is_a_part() -> None:
    for seed in range(20):
        assert take_fragment(TEXTS[0], rng(seed)) in TEXTS[0]


def test_swapped_words_are_neighbours_and_keep_their_capital() -> None:
    near = {"film": ("movie",), "joy": ("delight",), "the": ("a",)}
    assert swap_words("The film, a joy", rng(), near, rate=1.0) == "A movie, a delight"
    assert swap_words("The film, a joy", rng(), near, rate=0.0) == "The film, a joy"


def test_joined_texts_hold_both() -> None:
    for seed in range(20):
        joined = join_texts("Good food.", "Bad service", rng(seed))
        assert joined.startswith("Good food")
        assert joined.lower().endswith("bad service")


def test_nearest_words_by_cosine() -> None:
    vectors = np.array([[1.0, 0.0], [2.0, 0.1], [-1.0, 0.0], [-2.0, 0.2]], np.float32)
    near = nearest_words(["good", "great", "bad", "awful"], vectors, count=1)
    assert near == {"good": ("great",), "great": ("good",), "bad": ("awful",), "awful": ("bad",)}


def test_copies_are_new_distinct_and_repeatable() -> None:
    plan = {"negation": 5, "join": 3, "fragment": 4}
    copies = changed_copies(TEXTS, plan, {}, seed=1)
    assert {kind: len(texts) for kind, texts in copies.items()} == plan
    flat = [text for texts in copies.values() for text in texts]
    assert len(set(flat)) == len(flat)
    assert not set(flat) & set(TEXTS)
    assert copies == changed_copies(TEXTS, plan, {}, seed=1)
    assert copies != changed_copies(TEXTS, plan, {}, seed=2)


def test_an_unknown_kind_of_change_is_refused() -> None:
    with pytest.raises(ValueError, match="reverse"):
        changed_copies(TEXTS, {"reverse": 1}, {}, seed=1)

"""Emoji move into places that BERT left unused; everything else stays where it is."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from worker.training.emoji import EMOJI
from worker.training.student import with_emoji


def tokenizer_json(unused: int) -> str:
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    pieces = ["[PAD]", *(f"[unused{i}]" for i in range(unused)), "[UNK]", *letters, *(f"##{c}" for c in letters)]
    tokenizer = Tokenizer(WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.enable_truncation(8)
    return tokenizer.to_str()


def test_every_emoji_gets_a_place_and_starts_as_its_words() -> None:
    before = Tokenizer.from_str(tokenizer_json(900))
    text, sources = with_emoji(tokenizer_json(900))
    after = Tokenizer.from_str(text)
    assert after.get_vocab_size() == before.get_vocab_size()
    assert after.truncation is None
    for sign, (words, _) in EMOJI.items():
        assert after.encode(f"{sign} x{sign}").tokens == [sign, "x", f"##{sign}"]
        assert sources[after.token_to_id(sign)] == before.encode(words, add_special_tokens=False).ids
    kept = {piece: i for piece, i in before.get_vocab().items() if not piece.startswith("[unused")}
    assert kept.items() <= after.get_vocab().items()
    assert json.loads(text)["model"]["vocab"]["[PAD]"] == 0


def test_too_few_places_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        with_emoji(tokenizer_json(10))

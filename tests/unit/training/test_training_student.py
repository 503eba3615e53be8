"""Emoji join the vocabulary, what BERT left unused leaves it, and every other piece keeps its vector."""

from __future__ import annotations

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

from worker.training.emoji import EMOJI
from worker.training.student import with_emoji


def tokenizer_json() -> str:
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    special = ["[UNK]", "[CLS]", "[SEP]"]
    pieces = ["[PAD]", *(f"[unused{i}]" for i in range(9)), *special, *letters, *(f"##{c}" for c in letters)]
    places = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(places, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", places["[SEP]"]), ("[CLS]", places["[CLS]"]))
    tokenizer.add_special_tokens(["[PAD]", *special])
    tokenizer.enable_truncation(8)
    return tokenizer.to_str()


def test_every_emoji_gets_an_entry_and_starts_as_its_words() -> None:
    before = Tokenizer.from_str(tokenizer_json())
    text, sources = with_emoji(tokenizer_json())
    after = Tokenizer.from_str(text)
    assert after.truncation is None
    for sign, (words, _) in EMOJI.items():
        assert after.encode(f"{sign} x{sign}", add_special_tokens=False).tokens == [sign, "x", f"##{sign}"]
        assert sources[after.token_to_id(sign)] == before.encode(words, add_special_tokens=False).ids


def test_what_was_there_keeps_its_vector_and_what_was_unused_goes() -> None:
    before = Tokenizer.from_str(tokenizer_json()).get_vocab()
    text, sources = with_emoji(tokenizer_json())
    after = Tokenizer.from_str(text)
    assert len(sources) == after.get_vocab_size()
    for piece, place in before.items():
        if piece.startswith("[unused"):
            assert after.token_to_id(piece) is None
        else:
            assert sources[after.token_to_id(piece)] == [place]
    assert after.encode("b a").tokens == ["[CLS]", "b", "a", "[SEP]"]
    assert after.encode("b a").ids == [after.token_to_id(token) for token in ("[CLS]", "b", "a", "[SEP]")]
    assert after.encode("[SEP]", add_special_tokens=False).ids == [after.token_to_id("[SEP]")]
    assert after.token_to_id("[PAD]") == 0

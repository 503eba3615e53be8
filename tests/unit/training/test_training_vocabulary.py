"""A cut vocabulary keeps what would become [UNK], what is used and what says something."""

from __future__ import annotations

import json

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import RobertaProcessing, TemplateProcessing

from worker.training.vocabulary import (
    count_pieces,
    is_isolated,
    keeps_single,
    pruned_tokenizer,
    pruned_vectors,
    select,
    special_pieces,
    train_polarity,
)

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = [
    "[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{c}" for c in LETTERS), "!", "##!",
    "京", "##京", "ß", "the", "film", "tepid", "ottoman", "##ly", "dull",
]  # fmt: skip
VOCABULARY = {piece: i for i, piece in enumerate(PIECES)}


def make_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])]
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.enable_truncation(8)
    return tokenizer


@pytest.mark.parametrize(
    ("piece", "kept"),
    [
        *(("a", True), ("##a", True), ("!", True), ("##!", False), ("京", True), ("##京", False), ("é", True)),
        *(("##é", True), ("ab", False), ("##ab", False), ("ཀ", False), ("##", False), ("♥", True)),
    ],
)
def test_single_characters_that_can_occur_stay(piece: str, kept: bool) -> None:
    assert keeps_single(piece) is kept


def test_isolated_characters_are_those_that_bert_sets_apart() -> None:
    pre = BertPreTokenizer()
    for character in "aé!$+|“—…京かß9^`~":
        words = pre.pre_tokenize_str(
            BertNormalizer(lowercase=False, strip_accents=False).normalize_str(f"x{character}")
        )
        apart = all(word != f"x{character}" for word, _ in words)
        assert is_isolated(character) is apart, character


def test_selection_prefers_use_and_mood_and_drops_unused() -> None:
    must = sum(piece in SPECIAL or keeps_single(piece) for piece in PIECES)
    counts = {VOCABULARY["film"]: 100, VOCABULARY["tepid"]: 3, VOCABULARY["ottoman"]: 4}
    moods = {VOCABULARY["tepid"]: 2.0}
    chosen = select(VOCABULARY, counts, must + 2, SPECIAL, polarity=moods, general_share=0.01)
    assert len(chosen.pieces) == must + 2
    assert {"film", "tepid"} <= set(chosen.pieces)
    assert "ottoman" not in chosen.pieces
    assert "[unused0]" not in chosen.pieces
    assert chosen.pieces[0] == "[PAD]"
    without_mood = select(VOCABULARY, counts, must + 2, SPECIAL, general_share=0.01)
    assert "ottoman" in without_mood.pieces


def test_a_size_without_room_for_what_must_stay_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        select(VOCABULARY, {}, 10, SPECIAL)


def test_the_cut_tokenizer_spells_what_it_lost_and_keeps_the_rest() -> None:
    must = sum(piece in SPECIAL or keeps_single(piece) for piece in PIECES)
    full = make_tokenizer()
    chosen = select(VOCABULARY, {VOCABULARY["film"]: 9}, must + 3, SPECIAL, added=[("😀", (7, 8)), ("##😀", (7, 8))])
    cut = Tokenizer.from_str(pruned_tokenizer(full.to_str(), chosen))
    assert cut.truncation is None
    assert cut.padding is None
    assert cut.encode("FILM! dull 😀😀").tokens == [
        "[CLS]",
        "film",
        "!",
        "d",
        "##u",
        "##l",
        "##l",
        "😀",
        "##😀",
        "[SEP]",
    ]
    assert cut.encode("film").ids == [cut.token_to_id(piece) for piece in ("[CLS]", "film", "[SEP]")]
    content = json.loads(cut.to_str())
    assert [token["id"] for token in content["added_tokens"]] == [cut.token_to_id(t) for t in SPECIAL]


def test_a_processor_that_names_its_pieces_by_id_gets_the_new_ids() -> None:
    full = make_tokenizer()
    full.post_processor = RobertaProcessing(("[SEP]", VOCABULARY["[SEP]"]), ("[CLS]", VOCABULARY["[CLS]"]))
    must = sum(piece in SPECIAL or keeps_single(piece) for piece in PIECES)
    chosen = select(VOCABULARY, {VOCABULARY["film"]: 9}, must + 1, SPECIAL)
    cut = Tokenizer.from_str(pruned_tokenizer(full.to_str(), chosen))
    assert cut.encode("film").ids == [cut.token_to_id(piece) for piece in ("[CLS]", "film", "[SEP]")]


def test_special_pieces_are_those_that_the_tokenizer_names() -> None:
    tokenizer = Tokenizer(WordPiece({"<s>": 0, "<mask>": 1, "[UNK]": 2, "[CLS]": 3, "a": 4}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["<s>", "<mask>"])
    special = special_pieces(tokenizer.to_str())
    assert set(special) == {"<s>", "<mask>", "[UNK]"}
    # "[CLS]" is a leftover of another model: no text can be spelt with it, however early it stands.
    assert "[CLS]" not in select({"[CLS]": 0, "film": 1, "reel": 2, "[UNK]": 3}, {1: 1}, 2, ("[UNK]",)).pieces


def test_vectors_are_copied_or_averaged() -> None:
    vectors = torch.arange(12, dtype=torch.float32).reshape(4, 3)
    new = pruned_vectors(vectors, [(2,), (0, 1)])
    assert new.tolist() == [[6.0, 7.0, 8.0], [1.5, 2.5, 3.5]]


def test_polarity_is_shrunk_for_rare_pieces() -> None:
    polarity = train_polarity([[1, 1, 2], [1], [3], [3]], [2.0, 2.0, 3.0, -3.0])
    assert polarity[1] == pytest.approx(4.0 / 5.0)
    assert polarity[2] == pytest.approx(2.0 / 4.0)
    assert polarity[3] == pytest.approx(0.0)
    assert count_pieces([[1, 1, 2], [1]]) == {1: 3, 2: 1}

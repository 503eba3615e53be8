"""Emoji join the vocabulary, what BERT left unused leaves it, and every other piece keeps its vector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertModel

from recipes.bundled.emoji import EMOJI
from recipes.bundled.student import load, make_student, with_emoji


def tokenizer_json() -> str:
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    special = ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = ["[PAD]", *(f"[unused{i}]" for i in range(9)), *special, *letters, *(f"##{c}" for c in letters)]
    places = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(places, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", places["[SEP]"]), ("[CLS]", places["[CLS]"]))
    tokenizer.add_special_tokens(["[PAD]", *special])
    tokenizer.enable_truncation(8)
    return tokenizer.to_str()


def id_of(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    assert found is not None, token
    return found


def test_every_emoji_gets_an_entry_and_starts_as_its_words() -> None:
    before = Tokenizer.from_str(tokenizer_json())
    text, sources = with_emoji(tokenizer_json())
    after = Tokenizer.from_str(text)
    assert after.truncation is None
    for sign, (words, _) in EMOJI.items():
        assert after.encode(f"{sign} x{sign}", add_special_tokens=False).tokens == [sign, "x", f"##{sign}"]
        assert sources[id_of(after, sign)] == before.encode(words, add_special_tokens=False).ids


def test_what_was_there_keeps_its_vector_and_what_was_unused_goes() -> None:
    before = Tokenizer.from_str(tokenizer_json()).get_vocab()
    text, sources = with_emoji(tokenizer_json())
    after = Tokenizer.from_str(text)
    assert len(sources) == after.get_vocab_size()
    for piece, place in before.items():
        if piece.startswith("[unused"):
            assert after.token_to_id(piece) is None
        else:
            assert sources[id_of(after, piece)] == [place]
    assert after.encode("b a").tokens == ["[CLS]", "b", "a", "[SEP]"]
    assert after.encode("b a").ids == [after.token_to_id(token) for token in ("[CLS]", "b", "a", "[SEP]")]
    assert after.encode("[SEP]", add_special_tokens=False).ids == [after.token_to_id("[SEP]")]
    assert after.token_to_id("[PAD]") == 0


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A BERT of twelve layers, eight wide."""
    text = tokenizer_json()
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=Tokenizer.from_str(text).get_vocab_size(),
        hidden_size=8,
        num_hidden_layers=12,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "tokenizer.json").write_text(text, encoding="utf-8")
    former = {"12": {"content": "[SEP]"}}
    settings = {"tokenizer_class": "BertTokenizer", "added_tokens_decoder": former}
    (tmp_path / "base" / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return tmp_path / "base"


def test_the_student_has_the_lowest_ten_layers_and_each_piece_its_vector(base: Path, tmp_path: Path) -> None:
    make_student(base, tmp_path / "student", seed=1)
    model, tokenizer = load(tmp_path / "student")
    former = BertModel.from_pretrained(base, add_pooling_layer=False)
    assert model.config.num_hidden_layers == 10
    assert model.config.num_labels == 4
    assert model.config.attention_probs_dropout_prob == 0.0
    for mine, its in zip(model.bert.encoder.layer, former.encoder.layer, strict=False):
        for name, weight in mine.state_dict().items():
            assert torch.equal(weight, its.state_dict()[name]), name

    words = former.get_input_embeddings().weight
    _, sources = with_emoji(tokenizer_json())
    assert max(map(len, sources)) > 1
    expected = torch.stack([words[ids].mean(dim=0) for ids in sources])
    assert torch.equal(model.get_input_embeddings().weight, expected)
    assert model.config.vocab_size == len(sources) == len(tokenizer)
    assert "added_tokens_decoder" not in (tmp_path / "student" / "tokenizer_config.json").read_text(encoding="utf-8")


def test_a_base_that_lacks_weights_is_refused(base: Path, tmp_path: Path) -> None:
    weights = load_file(base / "model.safetensors")
    del weights["encoder.layer.3.intermediate.dense.weight"]
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks weights of the encoder: .*layer\.3\.intermediate"):
        make_student(base, tmp_path / "student", seed=1)

"""The classifier that ships: its size, its labels, what plain transformers makes of it, and what it must not lose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import worker
from recipes.bundled.emoji import EMOJI, SKIN_TONES
from recipes.bundled.rated import packaged, read_rated

FOLDER = Path(worker.__file__).parent / "bundled" / "model"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def test_it_is_small_and_one_safetensors_file() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) <= 60_000_000
    assert [path.name for path in FOLDER.iterdir() if path.suffix not in {".json", ".md", ".txt"}] == [
        "model.safetensors"
    ]


def test_it_says_what_it_is_and_names_no_machine() -> None:
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["id2label"] == {"0": "negative", "1": "neutral", "2": "positive"}
    assert config["max_position_embeddings"] == 512
    for path in FOLDER.glob("*.json"):
        if path.name != "tokenizer.json":
            assert "_name_or_path" not in path.read_text(encoding="utf-8")
    assert (FOLDER / "README.md").exists()


def test_its_tokenizer_neither_cuts_nor_pads(tokenizer: Tokenizer) -> None:
    assert tokenizer.truncation is None
    assert tokenizer.padding is None
    assert len(tokenizer.encode("word " * 2000).ids) == 2002


@pytest.mark.parametrize(
    "text", ["café naïve résumé Übergröße", "½ £5 €9 — “so” … ’tis", "日本 привет γεια שלום", "a\u200db"]
)
def test_accents_signs_and_other_scripts_are_no_unknowns(tokenizer: Tokenizer, text: str) -> None:
    assert "[UNK]" not in tokenizer.encode(text).tokens


def test_every_emoji_has_an_entry_alone_behind_a_word_and_toned(tokenizer: Tokenizer) -> None:
    for sign in EMOJI:
        tokens = tokenizer.encode(f"{sign} fine{sign}{sign} {sign}\ufe0f").tokens
        assert "[UNK]" not in tokens, sign
        assert f"##{sign}" in tokens, sign
    for tone in SKIN_TONES:
        assert "[UNK]" not in tokenizer.encode(f"👍{tone}").tokens


def test_no_rated_sentence_has_an_unknown(tokenizer: Tokenizer) -> None:
    texts = [row.text for split in ("train", "dev") for row in read_rated(packaged(split))]
    assert not [e for e in tokenizer.encode_batch_fast(texts) if "[UNK]" in e.tokens]


def test_plain_transformers_loads_it_offline_and_it_has_an_opinion() -> None:
    model: Any = AutoModelForSequenceClassification.from_pretrained(FOLDER, local_files_only=True, dtype=torch.float32)
    reader: Any = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    texts = ["I love this café 😍", "AWFUL, just awful.", "It weighs 3 kg.", "The room was not clean."]
    with torch.inference_mode():
        scores = model(**reader(texts, padding=True, return_tensors="pt")).logits.softmax(dim=1)
    assert [model.config.id2label[i] for i in scores.argmax(dim=1).tolist()] == [
        "positive", "negative", "neutral", "negative",
    ]  # fmt: skip

"""A base so small that it learns in seconds, and texts that it can learn."""

import json
import random
from pathlib import Path

import pytest
from tiny_bert import save_tokenizer, tiny_bert
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = {
    "negative": ["awful", "broken", "bad", "worst", "boring"],
    "neutral": ["table", "monday", "blue", "report", "train"],
    "positive": ["great", "lovely", "good", "best", "thrilling"],
}
FILLERS = ["the", "a", "was", "and", "it", "of", "this", "so", "very"]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers of 32, with a vocabulary of whole words, without a head that was trained."""
    folder = tmp_path_factory.mktemp("base") / "tiny"
    vocabulary = [*SPECIALS, *FILLERS, *(word for words in WORDS.values() for word in words)]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    save_tokenizer(folder, tokenizer, 64)
    tiny_bert(len(vocabulary), 64, layers=2).save_pretrained(folder)
    return folder


def sentence(rng: random.Random, label: str) -> str:
    words = [rng.choice(WORDS[label]) for _ in range(2)] + [rng.choice(FILLERS) for _ in range(rng.randint(2, 8))]
    rng.shuffle(words)
    return " ".join(words)


@pytest.fixture
def labelled_file(tmp_path: Path) -> Path:
    """120 texts with labels, JSON lines."""
    rng = random.Random(1)
    labels = [label for label in WORDS for _ in range(40)]
    rows = [{"text": sentence(rng, label), "label": label, "domain": rng.choice("ab")} for label in labels]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file

"""A base so small that it learns in seconds, and texts that it can learn."""

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from command_line import Ran, leave_out_settings, run_in_process
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

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
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
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


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """The command line in this process, in an empty folder, without anybody's settings."""
    leave_out_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return partial(run_in_process, monkeypatch, capfd)

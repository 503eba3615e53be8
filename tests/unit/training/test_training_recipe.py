"""The recipe from the teacher on, with models so small that it runs in seconds."""

from __future__ import annotations

import json
import random
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import MPNetConfig, MPNetForSequenceClassification

from worker.classifier import load_classifier
from worker.settings import load_settings
from worker.training import distil, recipe
from worker.training.data import RatedText
from worker.training.inference import score

MOODS = {"awful": -3.0, "broken": -2.0, "table": 0.0, "monday": 0.0, "good": 2.0, "lovely": 3.0}
FILLERS = [
    "film",
    "book",
    "phone",
    "again",
    "under",
    "over",
    "into",
    "upon",
    "river",
    "paper",
    "window",
    "garden",
    "street",
    "letter",
    "music",
]


def rated(count: int, seed: int) -> list[RatedText]:
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        word = rng.choice(list(MOODS))
        words = [word, *rng.sample(FILLERS, 5)]
        rng.shuffle(words)
        rows.append(RatedText(f"{seed}-{number}", rng.choice(["x", "y"]), " ".join(words), MOODS[word]))
    return rows


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """An MPNet of four layers with the rating output, as the first stage leaves it."""
    folder = tmp_path / "teacher" / "best"
    folder.mkdir(parents=True)
    single = string.ascii_lowercase + string.digits + string.punctuation
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *single, *(f"##{c}" for c in string.ascii_lowercase)]
    pieces += [*MOODS, *FILLERS, "<mask>"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": "<pad>", "unk_token": "[UNK]", "cls_token": "<s>", "sep_token": "</s>"}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 298, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    MPNetForSequenceClassification(
        MPNetConfig(
            vocab_size=len(vocabulary),
            hidden_size=24,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=300,
            num_labels=4,
            pad_token_id=1,
        )
    ).save_pretrained(folder)
    (folder.parent / "done").touch()
    return folder


def test_the_recipe_ends_with_a_classifier_that_the_worker_loads_and_goes_on_where_it_was(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "LAYERS", 2)
    monkeypatch.setattr(recipe, "INTERMEDIATE", 8)
    monkeypatch.setattr(recipe, "CUT_TEXTS", 12)
    monkeypatch.setattr(recipe, "MEND", replace(recipe.MEND, max_steps=3))
    monkeypatch.setattr(distil, "PLAN", {"swap": 6, "join": 4})
    monkeypatch.setattr(distil, "GENERATED", 10)
    monkeypatch.setattr(distil, "TYPOS", 5)
    size = 376  # the emoji and all single characters, and not every word
    monkeypatch.setattr(recipe, "VOCABULARY_SIZE", size)
    train, dev = rated(40, 1), rated(20, 2)
    target = tmp_path / "model"

    def run() -> dict[str, Any]:
        assert recipe.train_teacher(tmp_path, train, dev) == teacher
        corpus, logits = recipe.label_texts(tmp_path, teacher, train, dev)
        cut = recipe.cut_teacher(tmp_path, teacher, train, dev, corpus, logits)
        settings = replace(recipe.STUDENT, epochs=1)
        best = recipe.train_student(tmp_path, cut, train, dev, corpus, logits, settings)
        return recipe.ship(best, target, dev)

    figures = run()
    assert set(figures["domains"]) == {"x", "y"}
    config = json.loads((target / "config.json").read_text())
    assert (config["num_hidden_layers"], config["intermediate_size"], config["vocab_size"]) == (2, 8, size)
    classifier = load_classifier(load_settings(model=str(target), device="cpu"))
    assert classifier.card.labels == ("negative", "neutral", "positive")
    assert score(classifier, [row.text for row in dev]).scores.shape == (20, 3)

    # Every stage is there now: nothing is trained or labelled again.
    for name in ("fit", "choose_layers"):
        monkeypatch.setattr(recipe, name, None)
    monkeypatch.setattr(distil, "logits_of", None)
    assert run() == figures

"""The whole recipe, with models so small that it runs in seconds."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, BertConfig, MPNetConfig

from recipes.bundled import distil, recipe
from recipes.bundled.loss import RecipeSettings
from recipes.bundled.rated import RatedText
from recipes.bundled.sizes import Sizes
from recipes.bundled.sources import LARGE, SMALL
from recipes.bundled.student import load
from worker.classifier import load_classifier
from worker.datasets.examples import hard_labels
from worker.evaluation.inference import score
from worker.settings import load_settings
from worker.training.scoring import logits_of

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


def save_encoder(folder: Path, config: MPNetConfig | BertConfig, pieces: list[str], ends: tuple[str, str, str]) -> None:
    """A model with a WordPiece tokenizer that can spell everything; ``ends`` are its start, padding and end tokens."""
    start, padding, end = ends
    folder.mkdir(parents=True)
    single = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [*pieces, *single, *(f"##{c}" for c in string.ascii_lowercase), *MOODS, *FILLERS]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing((end, vocabulary[end]), (start, vocabulary[start]))
    tokenizer.add_special_tokens([*ends])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": padding, "unk_token": "[UNK]", "cls_token": start, "sep_token": end}
    content = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 298, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(content))
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config.update(
        {"vocab_size": len(pieces), "max_position_embeddings": 300, "pad_token_id": vocabulary[padding], **sizes}
    )
    AutoModel.from_config(config).save_pretrained(folder)


@pytest.fixture
def bases(tmp_path: Path) -> dict[str, Path]:
    """Encoders with random weights in the places of those that are downloaded."""
    large = ["<s>", "<pad>", "</s>", "[UNK]"]
    save_encoder(tmp_path / "teacher-base", MPNetConfig(), large, ("<s>", "<pad>", "</s>"))
    small = ["[PAD]", *(f"[unused{i}]" for i in range(9)), "[UNK]", "[CLS]", "[SEP]"]
    save_encoder(tmp_path / "base", BertConfig(), small, ("[CLS]", "[PAD]", "[SEP]"))
    return {LARGE.weights_sha256: tmp_path / "teacher-base", SMALL.weights_sha256: tmp_path / "base"}


@pytest.fixture
def run(bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The recipe with little of everything."""
    monkeypatch.setattr(recipe, "provide", lambda source, *_: bases[source.weights_sha256])
    monkeypatch.setattr(recipe, "provide_reviews", lambda *_: [f"A good film upon number {i}." for i in range(9)])
    short = replace(recipe.TEACHER, loop=replace(recipe.TEACHER.loop, max_steps=3), frozen_layers=1)
    copies = {"swap": 6, "join": 4}
    few = Sizes(
        teacher_generated=20,
        near_plan=copies,
        wide_plan=copies,
        generated=10,
        typos=5,
        hard=5,
        signs=5,
        identity=5,
        long=5,
    )

    def run(train: list[RatedText], dev: list[RatedText], settings: RecipeSettings = recipe.STUDENT) -> dict[str, Any]:
        teacher = recipe.train_teacher(tmp_path, train, dev, short, few)
        texts, outputs = recipe.label_texts(tmp_path, teacher, train, dev, few)
        student = recipe.train_student(tmp_path, train, dev, texts, outputs, settings, few)
        return recipe.ship(student, tmp_path / "model", dev)

    return run


def test_the_recipe_ends_with_a_classifier_that_the_worker_loads_and_goes_on_where_it_was(
    run: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, dev = rated(40, 1), rated(20, 2)
    figures = run(train, dev)
    assert set(figures["domains"]) == {"x", "y"}
    classifier = load_classifier(load_settings(model=str(tmp_path / "model"), device="cpu"))
    assert classifier.card.labels == ("negative", "neutral", "positive")
    assert score(classifier, [row.text for row in dev]).scores.shape == (20, 3)
    content = json.loads((tmp_path / "model" / "tokenizer.json").read_text())
    assert "😀" in content["model"]["vocab"]

    # Every stage is there now: nothing is trained or labelled again.
    fits: list[Path] = []

    def fit(*_: Any, folder: Path, **__: Any) -> None:
        fits.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "fit", fit)
    monkeypatch.setattr(distil, "logits_and_features", None)
    assert run(train, dev) == figures

    # A stage of other settings or texts is not the one that is asked for, which moves aside.
    with pytest.raises(KeyboardInterrupt):
        run(train, dev, replace(recipe.STUDENT, loop=replace(recipe.STUDENT.loop, learning_rate=1e-3)))
    with pytest.raises(KeyboardInterrupt):
        run(rated(40, 3), dev)
    assert fits == [tmp_path / "student", tmp_path / "teacher"]
    assert not (tmp_path / "teacher" / "best").exists()
    assert (tmp_path / "teacher.former" / "best").exists()


def test_a_stage_without_its_identity_is_not_finished(tmp_path: Path) -> None:
    folder = tmp_path / "student"
    assert not recipe.stage(folder, "one")
    (folder / "done").touch()
    assert recipe.stage(folder, "one")
    (folder / "identity").unlink()
    assert not recipe.stage(folder, "one")


def test_the_temperature_of_dev_is_what_ships(
    run: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = rated(20, 2)
    asked: list[tuple[int, ...]] = []

    def calibrate(logits: np.ndarray, truth: np.ndarray) -> float:
        asked.append(logits.shape)
        assert truth.tolist() == hard_labels([row.rating for row in dev]).tolist()
        return 2.0

    monkeypatch.setattr(recipe, "calibration", calibrate)
    assert run(rated(40, 1), dev)["temperature"] == 2.0
    assert asked == [(20, 3)]
    texts = [row.text for row in dev]
    trained, shipped = (logits_of(*load(folder), texts) for folder in (tmp_path / "student/best", tmp_path / "model"))
    # Their ratio as a whole: an untrained model's logits are small next to what 16 bits round away.
    assert np.linalg.norm(trained[:, :3]) / np.linalg.norm(shipped) == pytest.approx(2.0, rel=0.05)


def test_a_dev_score_is_of_agreement() -> None:
    rows = [RatedText("1", "d", "x", -2.0), RatedText("2", "d", "y", 0.0), RatedText("3", "d", "z", 2.0)]
    score = recipe.dev_score(rows)
    right = np.eye(4, dtype=np.float32)[:3] * 5
    assert score(right) == 1.0
    assert score(-right) < 0.5

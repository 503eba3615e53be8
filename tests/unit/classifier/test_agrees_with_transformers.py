"""The reference is ``transformers.pipeline("text-classification")``, which users come from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import pipeline
from unit.classifier.small_models import MODELS, TEXTS, scores_of

from worker.classifier import Classifier

AGREEMENT = 1e-5
"""Largest difference of a score from transformers' own, at fp32."""


def reference_scores(folder: Path, labels: tuple[str, ...]) -> np.ndarray:
    """[n, labels], each text by itself, as ``pipeline`` gives them."""
    classify: Any = pipeline("text-classification", model=str(folder), dtype=torch.float32, device="cpu")
    padding = {"padding": True} if classify.tokenizer.pad_token else {}
    answers = classify(list(TEXTS), truncation=True, max_length=512, top_k=None, **padding)
    by_label = [{answer["label"]: answer["score"] for answer in answers_of_one} for answers_of_one in answers]
    return np.array([[scores[label] for label in labels] for scores in by_label], np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_pipeline(
    name: str, model_folder: Callable[[str], Path], load: Callable[..., Classifier]
) -> None:
    classifier = load(name)
    expected = reference_scores(model_folder(name), classifier.card.labels)

    scores = scores_of(classifier, TEXTS)

    assert classifier.max_tokens == 512
    assert classifier.pads
    np.testing.assert_allclose(scores, expected, rtol=0, atol=AGREEMENT * max(1, np.abs(expected).max()))
    spread = expected.max(axis=0) - expected.min(axis=0)
    assert spread.max() > 0.1, "texts that all score alike self_check nothing"

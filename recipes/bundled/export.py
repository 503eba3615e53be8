"""A trained classifier as the folder that ships: 16-bit weights, plain labels, the temperature folded in."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch

from worker.classifier.persistence import save_model
from worker.datasets.examples import LABELS
from worker.training.calibration import divide_logits, head_of


def export(model: Any, tokenizer_folder: Path, target: Path, temperature: float = 1.0) -> None:
    """Write ``model`` to ``target`` as float16 safetensors that plain transformers loads.

    Only the outputs of ``LABELS`` stay: the rating output is used only in training. The logits are divided by
    ``temperature`` for good, by scaling the last linear layer, so that every tool that loads the folder gets
    calibrated scores. tokenizer.json loses its truncation and padding: the limit on a text is the reader's choice.

    Raises:
        TypeError: the model has no linear head.
    """
    plain = copy.deepcopy(model).cpu().eval()
    head = head_of(plain, plain.config.num_labels)
    if head is None:
        raise TypeError(f"{type(model).__name__} has no linear classifier head")
    divide_logits(head, temperature)
    head.weight = torch.nn.Parameter(head.weight.detach()[: len(LABELS)].clone())
    head.bias = torch.nn.Parameter(head.bias.detach()[: len(LABELS)].clone())
    head.out_features = len(LABELS)
    plain.num_labels = len(LABELS)
    plain.config.num_labels = len(LABELS)
    plain.config.id2label = dict(enumerate(LABELS))
    plain.config.label2id = {label: i for i, label in enumerate(LABELS)}
    plain.config.problem_type = "single_label_classification"
    target.mkdir(parents=True, exist_ok=True)
    save_model(plain.half(), target)
    content = json.loads((tokenizer_folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["truncation"] = content["padding"] = None
    (target / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), "utf-8")
    config = json.loads((tokenizer_folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.pop("name_or_path", None)  # where the base was once loaded from says nothing about this model
    (target / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")

"""Models in folders: loaded, and changed."""

import json
from pathlib import Path
from typing import Any

from worker.classifier import Classifier, load_classifier
from worker.settings import load_settings

# Names of small models.
STARS, SST2, GPT2 = (
    "multilingual BERT with 1 to 5 stars",
    "DistilBERT with NEGATIVE and POSITIVE",
    "GPT-2 without a pad token",
)


def load_folder(folder: Path, **settings: Any) -> Classifier:
    return load_classifier(load_settings(**{"model": str(folder), "device": "cpu", "precision": "fp32"} | settings))


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

"""A classifier to and from a folder."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from worker.classifier.classifier import Classifier
from worker.classifier.load import load_classifier
from worker.settings import load_settings


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write weights (safetensors, at the precision in which they were loaded), config and tokenizer to ``folder``.

    The folder is what the setting ``model`` takes, and what any tool loads that reads transformers' folders.

    Raises:
        ValueError: the classifier was not loaded from anywhere, so that there is no tokenizer to copy.
        OSError: the folder cannot be written.
    """
    if classifier.folder is None:
        raise ValueError("a classifier that load_classifier did not load has no tokenizer to save")
    tokenizer: Any = AutoTokenizer.from_pretrained(classifier.folder, local_files_only=True)
    folder.mkdir(parents=True, exist_ok=True)
    classifier.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def open_classifier(model: str | Path, **settings: Any) -> Classifier:
    """The classifier that ``model`` names: "bundled", a folder or a hub name; warm. ``settings`` as in ``Settings``.

    Raises:
        SettingError: the model or a setting cannot be used.
        DeviceError: the device failed while the model was warmed up.
    """
    return load_classifier(load_settings(model=str(model), **settings))

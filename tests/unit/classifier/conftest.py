"""Each small model is made once a run, on first use."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from unit.classifier.small_models import MODELS

from worker.classifier import Classifier, load_classifier
from worker.settings import load_settings


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Models this small are done before a second thread has started."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of one of ``MODELS``. Shared: copy it before changing it."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("models") / name.replace(" ", "-")
            MODELS[name](made[name])
        return made[name]

    return folder


@pytest.fixture(scope="session")
def load(model_folder: Callable[[str], Path]) -> Callable[..., Classifier]:
    """Loads one of ``MODELS``, at fp32 on the CPU unless told otherwise."""

    def load_one(name: str, **settings: Any) -> Classifier:
        chosen = {"model": str(model_folder(name)), "device": "cpu", "precision": "fp32"} | settings
        return load_classifier(load_settings(**chosen))

    return load_one


@pytest.fixture
def copy_of(model_folder: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    def copied(name: str) -> Path:
        return Path(shutil.copytree(model_folder(name), tmp_path / "model"))

    return copied

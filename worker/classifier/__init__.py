"""The resident classifier: from a setting to a warm model, from token ids to verdicts.

Loaded on first use: torch and transformers take seconds to import, and much of the command line needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.classifier.classifier import Classifier
    from worker.classifier.device import Device, Result
    from worker.classifier.load import load_classifier

__all__ = ["Classifier", "Device", "Result", "load_classifier"]

_HOME = {"Classifier": "classifier", "Device": "device", "Result": "device", "load_classifier": "load"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

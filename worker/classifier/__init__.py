"""The resident classifier: from a setting to a warm model, from token ids to verdicts.

Imported on first use: torch and transformers take seconds to import, and most commands need neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.classifier.classifier import Classifier
    from worker.classifier.device import Device, Result
    from worker.classifier.load import load_classifier
    from worker.classifier.outputs import Outputs, embed, embed_tokens, outputs_of
    from worker.classifier.persistence import open_classifier, save_classifier
    from worker.classifier.tokenizing.isolate import tokenise

__all__ = [
    "Classifier",
    "Device",
    "Outputs",
    "Result",
    "embed",
    "embed_tokens",
    "load_classifier",
    "open_classifier",
    "outputs_of",
    "save_classifier",
    "tokenise",
]

_HOME = {
    "Classifier": "classifier",
    "Device": "device",
    "Outputs": "outputs",
    "Result": "device",
    "embed": "outputs",
    "embed_tokens": "outputs",
    "load_classifier": "load",
    "open_classifier": "persistence",
    "outputs_of": "outputs",
    "save_classifier": "persistence",
    "tokenise": "tokenizing.isolate",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Resolving the setting ``model`` to a folder on this machine."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import huggingface_hub
from huggingface_hub import errors as hub_errors

from worker.errors import Code, SettingError
from worker.settings import Settings

logger = logging.getLogger(__name__)

BUNDLED = "bundled"

_MODEL_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
_SCORING_FILES = ("config.json", "*.safetensors", "tokenizer*.json", "vocab.*", "merges.txt", "*.model")
"""Files that the scores of a local folder depend on."""


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Weights in a format that the worker does not read, and how to convert them."""

    pattern: str
    format: str
    packages: str
    argument: str


_FOREIGN_WEIGHTS = (
    _Foreign("pytorch_model*.bin", "pickled PyTorch weights", "transformers torch", "use_safetensors=False"),
    _Foreign("tf_model*.h5", "TensorFlow weights", '"transformers<5" torch tensorflow', "from_tf=True"),
    _Foreign("flax_model*.msgpack", "Flax weights", '"transformers<5" torch flax', "from_flax=True"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A model's folder and its published identity."""

    name: str
    """The hub's name, or a local folder's last part: its path on this machine is not published."""
    folder: Path
    revision: str
    """The hub's commit, or a digest of everything that the verdicts of a local folder depend on."""


def find_model(settings: Settings) -> Source:
    """Return the folder of the model that the settings name, downloaded if it is on the hub.

    Raises:
        SettingError: the model does not exist, cannot be reached, or has no weights as safetensors.
    """
    if settings.model == BUNDLED:
        folder = Path(str(resources.files("worker"))) / "bundled" / "model"
        return _local(BUNDLED, folder, settings.label_polarity)
    folder = Path(settings.model).expanduser()
    if folder.is_dir():
        return _local(folder.resolve().name, folder, settings.label_polarity)
    if folder.is_absolute() or settings.model.startswith((".", "~")):
        raise SettingError(
            Code.MODEL_NOT_FOUND,
            f"model={settings.model} is not a folder: name one, a model on the hub, or {BUNDLED!r}",
        )
    folder = _download(settings.model, settings.model_revision)
    _require_safetensors(settings.model, folder)
    return Source(settings.model, folder, folder.name)  # the hub's cache names a snapshot's folder by its commit


def _local(name: str, folder: Path, label_polarity: Mapping[str, float]) -> Source:
    _require_safetensors(name, folder)
    return Source(name, folder, _digest(folder, label_polarity))


def _download(name: str, revision: str | None) -> Path:
    logger.info("looking up the model %s on the hub", name)
    try:
        return Path(
            huggingface_hub.snapshot_download(
                name, revision=revision, allow_patterns=list(_MODEL_FILES), ignore_patterns=["*/*"]
            )
        )
    except hub_errors.HFValidationError:
        raise SettingError(
            Code.MODEL_NOT_FOUND, f"model={name} is neither a folder nor a name on the hub (owner/model)"
        ) from None
    except hub_errors.RevisionNotFoundError:
        raise SettingError(
            Code.MODEL_REVISION_NOT_FOUND,
            f"the model {name} has no revision {revision!r} on the hub: check model_revision",
        ) from None
    except hub_errors.GatedRepoError:
        raise SettingError(
            Code.MODEL_GATED,
            f"the model {name} is gated: accept its terms on the hub, and set HF_TOKEN to a token of that account",
        ) from None
    except hub_errors.RepositoryNotFoundError:
        raise SettingError(
            Code.MODEL_NOT_FOUND,
            f"model={name} is neither a folder here nor a model on the hub: "
            "check the name, or set HF_TOKEN if the model is private",
        ) from None
    except (hub_errors.LocalEntryNotFoundError, hub_errors.HfHubHTTPError, hub_errors.OfflineModeIsEnabled, OSError):
        raise SettingError(
            Code.HUB_UNREACHABLE,
            f"model={name} is not a folder here, and the hub cannot be reached to download it: "
            f"check the network, name a local folder, or use model={BUNDLED}",
        ) from None


def _require_safetensors(name: str, folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise SettingError(
            Code.MODEL_INCOMPLETE, f"the model {name} has no config.json: it is not a folder that save_pretrained wrote"
        )
    if any(folder.glob("*.safetensors")):
        return
    for foreign in _FOREIGN_WEIGHTS:
        if any(folder.glob(foreign.pattern)):
            raise SettingError(
                Code.MODEL_FORMAT_UNSUPPORTED,
                f"the model {name} has only {foreign.format}: "
                f"convert them once with `pip install {foreign.packages}` and "
                f"`python -c 'from transformers import AutoModelForSequenceClassification as M; "
                f'M.from_pretrained("{name}", {foreign.argument}).save_pretrained("converted")\'`, '
                f"copy the tokenizer's files next to them, and set model=converted",
            )
    raise SettingError(Code.MODEL_INCOMPLETE, f"the model {name} has no weights (model.safetensors)")


def _digest(folder: Path, label_polarity: Mapping[str, float]) -> str:
    """Return a hex digest of weights, configuration, vocabulary and label polarities, the same on every machine."""
    digest = hashlib.sha256(json.dumps(sorted(label_polarity.items())).encode())
    for path in sorted({path for pattern in _SCORING_FILES for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            digest.update(os.fsencode(path.name) + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:40]

"""Saving a classifier to a folder, and opening one."""

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import AutoTokenizer

from worker.classifier.backends.pretrained import quiet
from worker.classifier.classifier import Classifier
from worker.classifier.load import load_classifier
from worker.classifier.outputs import torch_backend
from worker.settings import load_settings

#: The files that save_pretrained writes, now or in former versions, and weights in other formats next to them.
_FILES = (
    *("config.json", "generation_config.json", "training.json", "adapter_config.json"),
    *("model*.safetensors", "model*.safetensors.index.json", "adapter_model*.safetensors"),
    *("pytorch_model*.bin", "pytorch_model*.bin.index.json", "tf_model*.h5", "flax_model*.msgpack"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"),
    *("vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model"),
)


def save_model(model: Any, folder: Path) -> None:
    """Write the config and the weights of a transformers model to ``folder``, all with the same permissions.

    Raises:
        OSError: the folder cannot be written.
        SafetensorError: the weights cannot be written.
    """
    model.save_pretrained(folder)
    # safetensors makes its files readable for their owner only, whatever the umask says.
    permissions = stat.S_IMODE((folder / "config.json").stat().st_mode)
    for weights in folder.glob("model*.safetensors"):
        weights.chmod(permissions)


def replace_classifier(folder: Path, fresh: Path, former: Path) -> None:
    """Move the files of ``fresh`` into ``folder``, and those of the classifier there to the new folder ``former``.

    Other files stay. All three folders are on one file system, so nothing is copied: ``folder`` lacks a classifier only
    for the time of a few renames.

    Raises:
        OSError: a file cannot be moved.
    """
    former.mkdir()
    # config.json makes a folder a classifier: it is moved out first and moved in last, so that nobody loads a mixture.
    old = sorted({path for pattern in _FILES for path in folder.glob(pattern)}, key=_is_config, reverse=True)
    for file in old:
        os.replace(file, former / file.name)
    for file in sorted(fresh.iterdir(), key=_is_config):
        os.replace(file, folder / file.name)


def _is_config(file: Path) -> bool:
    return file.name == "config.json"


def save_classifier(classifier: Classifier, folder: str | Path) -> None:
    """Write weights (safetensors, at the precision in which they were loaded), config and tokenizer to ``folder``.

    The setting ``model`` accepts the folder, as does any tool that reads transformers' folders. It is created if it
    does not exist. A classifier in it is replaced completely once all of the new one is written; other files stay.

    Raises:
        TypeError: the classifier does not run on torch.
        ValueError: the classifier was not loaded from a folder, so there is no tokenizer to copy.
        OSError: the folder is a file (FileExistsError), or cannot be written; its contents are left as they were.
    """
    if classifier.folder is None:
        raise ValueError("a classifier that load_classifier did not load has no tokenizer to save")
    model = torch_backend(classifier).model
    target = Path(folder).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    # Inside the folder, so that the files are on its file system and only need to be renamed.
    work = Path(tempfile.mkdtemp(prefix=".saving-", dir=target))
    try:
        with quiet():
            tokenizer: Any = AutoTokenizer.from_pretrained(classifier.folder, local_files_only=True)
            save_model(model, work / "fresh")
            tokenizer.save_pretrained(work / "fresh")
    except BaseException as error:
        shutil.rmtree(work)
        if isinstance(error, SafetensorError):
            raise OSError(f"the weights cannot be written: {error}") from error
        raise
    replace_classifier(target, work / "fresh", work / "former")
    shutil.rmtree(work)


def open_classifier(model: str | Path, **settings: Any) -> Classifier:
    """Load and warm up the classifier ``model``: "bundled", a folder or a hub name. ``settings``: see ``Settings``.

    Raises:
        SettingError: the model or a setting cannot be used.
        DeviceError: the device failed while the model was warmed up.
    """
    return load_classifier(load_settings(model=str(model), **settings))

"""A classifier to and from a folder."""

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

#: What save_pretrained writes of a classifier, now or in former versions, and the weights that are found beside it.
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
        SafetensorError: the weights cannot.
    """
    model.save_pretrained(folder)
    # safetensors makes its files readable for their owner alone, whatever the umask says.
    permissions = stat.S_IMODE((folder / "config.json").stat().st_mode)
    for weights in folder.glob("model*.safetensors"):
        weights.chmod(permissions)


def replace_classifier(folder: Path, fresh: Path, former: Path) -> None:
    """Move the files of ``fresh`` into ``folder``, and those of a classifier that it held to the new folder ``former``.

    Files that are not a classifier's stay. All three folders are on one file system, so that nothing is copied: there
    is neither classifier for as long as a few renames take.

    Raises:
        OSError: a file cannot be moved.
    """
    former.mkdir()
    # config.json is what makes a folder a classifier: first to go and last to come, so that no one loads half of each.
    old = sorted({path for pattern in _FILES for path in folder.glob(pattern)}, key=_is_config, reverse=True)
    for file in old:
        os.replace(file, former / file.name)
    for file in sorted(fresh.iterdir(), key=_is_config):
        os.replace(file, folder / file.name)


def _is_config(file: Path) -> bool:
    return file.name == "config.json"


def save_classifier(classifier: Classifier, folder: str | Path) -> None:
    """Write weights (safetensors, at the precision in which they were loaded), config and tokenizer to ``folder``.

    The folder is what the setting ``model`` takes, and what any tool loads that reads transformers' folders. It is made
    where it is not there. A classifier that it holds is replaced, once all of the new one is written, and no file of it
    stays; other files do.

    Raises:
        TypeError: it does not run on torch.
        ValueError: the classifier was not loaded from anywhere, so that there is no tokenizer to copy.
        OSError: the folder is a file (FileExistsError), or cannot be written; what it held is left as it was.
    """
    if classifier.folder is None:
        raise ValueError("a classifier that load_classifier did not load has no tokenizer to save")
    model = torch_backend(classifier).model
    target = Path(folder).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    # Inside the folder, so that the files are on its file system and need only be renamed.
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
    """The classifier that ``model`` names: "bundled", a folder or a hub name; warm. ``settings`` as in ``Settings``.

    Raises:
        SettingError: the model or a setting cannot be used.
        DeviceError: the device failed while the model was warmed up.
    """
    return load_classifier(load_settings(model=str(model), **settings))

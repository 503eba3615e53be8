"""The files of the wheel besides code."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATTERNS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]


def packed(package: str) -> set[Path]:
    return {path for pattern in PATTERNS[package] for path in (ROOT / package).glob(pattern) if path.is_file()}


@pytest.mark.parametrize("package", ["worker", "schemas"])
def test_every_data_file_of_a_package_is_in_the_wheel(package: str) -> None:
    files = {path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    data = {path for path in files if path.suffix != ".py"}

    assert not {str(path.relative_to(ROOT)) for path in data - packed(package)}


@pytest.mark.parametrize(
    "name",
    [
        "bundled/model/config.json",
        "bundled/model/model.safetensors",
        "bundled/model/tokenizer.json",
        "embedded/rated_sentences.jsonl.gz",
        "evaluation/behaviour/suite.toml",
        "evaluation/report/style.css",
        "py.typed",
    ],
)
def test_what_the_commands_read_is_in_the_wheel(name: str) -> None:
    assert ROOT / "worker" / name in packed("worker")

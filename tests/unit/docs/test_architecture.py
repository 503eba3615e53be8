"""docs/architecture.md shows the layers that pyproject.toml demands, and the worker is made of them."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
IMPORT_LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def layers_on_the_page() -> list[set[str]]:
    """Return the diagram's layers from the outermost on."""
    diagram = PAGE.split("## The packages\n\n")[1].split("\n\n")[0]
    arrows = re.sub(r"schemas: by itself", "", diagram)
    return [set(re.findall(r"\w+", layer)) for layer in arrows.split("→")]


def layers_of_the_contract() -> list[set[str]]:
    (contract,) = (one for one in IMPORT_LINTER["contracts"] if one.get("containers") == ["worker"])
    return [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]


def parts_of_the_worker() -> Iterator[str]:
    """Yield the names of the worker's packages and modules."""
    for path in (ROOT / "worker").iterdir():
        if path.suffix == ".py" or (path / "__init__.py").exists():
            yield path.stem


def test_the_layers_on_the_page_are_those_that_are_checked() -> None:
    assert layers_on_the_page() == [{"recipes"}, *layers_of_the_contract()]


def test_every_part_of_the_worker_is_in_one_layer_and_every_layer_is_of_parts_that_exist() -> None:
    named = sorted(name for layer in layers_on_the_page() for name in layer)
    assert named == sorted({"recipes", *parts_of_the_worker()} - {"__init__"})


def test_every_package_is_on_the_page() -> None:
    roots = IMPORT_LINTER["root_packages"]
    assert [name for name in roots if name not in ("worker", *re.findall(r"\w+", PAGE))] == []
    assert all((ROOT / name / "__init__.py").exists() for name in roots)


def test_the_table_of_packages_beside_the_worker_names_those_that_serving_does_not_import() -> None:
    (contract,) = (one for one in IMPORT_LINTER["contracts"] if one["name"].startswith("Training and evaluation"))
    table = PAGE.split("## The packages beside the worker")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w/]+)` \|", table, re.MULTILINE)
    assert {row.replace("/", ".") for row in rows if row.startswith("worker/")} == set(contract["source_modules"])

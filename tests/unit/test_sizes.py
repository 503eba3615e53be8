"""Files stay short enough to be read at once, and no package grows into the worker."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_OF_A_FILE = 300
SHARE_OF_A_PACKAGE = 0.2
TOO_LONG: frozenset[str] = frozenset()
"""Files that are still to be split, by their paths."""


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("tree", ["worker", "recipes", "bench", "schemas", "tests"])
def test_no_file_is_longer_than_its_limit(tree: str) -> None:
    files = list((ROOT / tree).rglob("*.py"))
    assert files
    long = {str(path.relative_to(ROOT)) for path in files if lines_of(path) > LINES_OF_A_FILE}
    assert long == {name for name in TOO_LONG if name.startswith(f"{tree}/")}


def test_no_package_of_the_worker_but_the_command_line_holds_a_fifth_of_it() -> None:
    sizes: dict[str, int] = {}
    for path in (ROOT / "worker").rglob("*.py"):
        package = path.relative_to(ROOT / "worker").parts[0]
        sizes[package] = sizes.get(package, 0) + lines_of(path)
    most = SHARE_OF_A_PACKAGE * sum(sizes.values())
    assert {package for package, lines in sizes.items() if lines > most} - {"cli"} == set()

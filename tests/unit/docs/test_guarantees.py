"""docs/guarantees.md names the tests that prove its promises; they must be there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    defined = {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}
    assert sorted(set(re.findall(r"`(test_\w+)`", PAGE)) - defined) == []


def test_every_promise_names_a_test() -> None:
    section = PAGE.split("## The promises")[1].split("\n## ")[0]
    promises = re.split(r"\n\n(?:<a id=\S+</a>)?\*\*", section)[1:]
    assert len(promises) == len(re.findall(r"^(?:<a .*</a>)?\*\*", section, re.MULTILINE)) > 0
    assert [promise.splitlines()[0] for promise in promises if "`test_" not in promise] == []

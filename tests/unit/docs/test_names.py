"""Names in the pages must exist: variables, flags, settings, files, test names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from chaos.__main__ import command_line

from worker.cli.app import app
from worker.errors import Reason
from worker.settings import ENV_PREFIX, Settings
from worker.settings_file import CONFIG_FILE_VARIABLE

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = {"--build", "--group", "--constraint", "--editable", "--no-deps", "--strict", "--web-bind"}
"""Flags of docker-compose, pip, mypy and faust."""


@pytest.fixture(scope="module")
def flags() -> set[str]:
    """Every option of every command."""
    commands = [typer.main.get_command(app)]
    found: set[str] = set()
    while commands:
        command = commands.pop()
        found |= {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        commands += getattr(command, "commands", {}).values()
    chaos = {option for action in command_line()._actions for option in action.option_strings}
    return found | chaos | {"--help"}


def code_of(page: Path) -> Iterator[str]:
    """Yield the code in a page, inline or in blocks."""
    text = page.read_text()
    yield from re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
    yield from re.findall(r"^    .*$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_is_a_settings(page: Path) -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_FILE_VARIABLE}
    named = set(re.findall(rf"{ENV_PREFIX}[A-Z_]*[A-Z]", page.read_text()))
    assert named - known - {f"{ENV_PREFIX}TEST_BOOTSTRAP"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_flag_is_an_option_of_some_command(page: Path, flags: set[str]) -> None:
    named = {flag for code in code_of(page) for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)}
    assert named - flags - OTHERS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_ours_is_there(page: Path) -> None:
    named = {
        name
        for code in code_of(page)
        for name in re.findall(r"(?<![\w/-])(?:worker|recipes|tests|bench|ops|docs|schemas)/[\w./-]+\w", code)
    }
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_reason_is_on_the_page() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "events.md").read_text(), re.MULTILINE))
    assert set(Reason) <= rows

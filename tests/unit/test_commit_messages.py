"""The check of commit messages that pre-commit runs."""

import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

CONFIGURATION = Path(__file__).parents[2] / ".pre-commit-config.yaml"


def is_taken(message: str) -> bool:
    """As pre-commit's pygrep does it with --multiline and --negate."""
    hooks = yaml.safe_load(CONFIGURATION.read_text())["repos"][0]["hooks"]
    (hook,) = [hook for hook in hooks if hook["id"] == "commit-message"]
    return re.search(hook["entry"].encode(), message.encode(), re.MULTILINE) is not None


@pytest.mark.parametrize(
    "message",
    [
        "Add a metric",
        "Add a metric\n",
        "Add a metric\n\nBecause nobody could see it.\n",
        "Tests: ask a full group again before it is named\n",
        "Bring the topics along",
        "Need less memory",
        "Fix: " + "x" * 67,
        "Add a metric\n# what git adds\n",
    ],
)
def test_an_imperative_subject_is_taken(message: str) -> None:
    assert is_taken(message)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "add a metric",
        "Added a metric",
        "Adding a metric",
        "Add a metric.",
        "Add " + "x" * 69,
        "Add a metric\nand say why in the second line",
        "\n\nAdd a metric",
    ],
)
def test_any_other_is_refused(message: str) -> None:
    assert not is_taken(message)

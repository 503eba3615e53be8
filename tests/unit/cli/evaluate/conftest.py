"""A base that learns in seconds, and texts that it can learn."""

from pathlib import Path

import pytest
from command_line import Run
from small_base import labelled_file, tiny_base
from unit.cli.evaluate.runs import TRAINED

from worker.evaluation import comparison

__all__ = ["labelled_file", "tiny_base"]


@pytest.fixture
def model(run: Run, tiny_base: Path, labelled_file: Path) -> str:
    assert run("train", labelled_file, "--out", "mine", "--base", tiny_base, *TRAINED).code == 0
    return "mine"


@pytest.fixture
def nothing_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "score", lambda *_: pytest.fail("minutes are spent"))

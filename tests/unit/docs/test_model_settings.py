"""docs/models.md says what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest

from worker.classifier.labels import Activation, label_polarities
from worker.classifier.source import _FOREIGN_WEIGHTS
from worker.settings import Settings, load_settings

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text()


def test_each_variable_that_the_page_sets_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = dict(re.findall(r"^    SENTIMENT_(\w+)=(?:'([^']*)'|\S+)", PAGE, re.MULTILINE))
    monkeypatch.setenv("SENTIMENT_LABEL_POLARITY", examples["LABEL_POLARITY"])

    assert {name.lower() for name in examples} <= set(Settings.model_fields)
    assert load_settings().label_polarity == {"complaint": -1, "praise": 1, "question": 0}


def test_every_label_that_the_page_names_is_known() -> None:
    rows = re.findall(r"^\| (`(?:positive|toxic|non-toxic|joy)`.*?) \|", PAGE, re.MULTILINE)
    labels = re.findall(r"`([^`]+)`", " ".join(rows))

    assert len(labels) > 20
    assert label_polarities(labels, Activation.SOFTMAX, {})[1] == ()


@pytest.mark.parametrize("foreign", _FOREIGN_WEIGHTS, ids=lambda foreign: foreign.format)
def test_the_page_says_how_to_convert_what_is_refused(foreign: Any) -> None:
    assert foreign.argument in PAGE

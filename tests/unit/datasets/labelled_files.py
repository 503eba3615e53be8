"""Files of labelled texts, and what is said of those that are refused."""

from pathlib import Path

import pytest

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled
from worker.errors import SettingError


def written(folder: Path, name: str, content: str) -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def refusal(
    folder: Path, content: str, labels: list[str] | None = None, columns: Columns | None = None
) -> SettingError:
    with pytest.raises(SettingError) as caught:
        read_labelled(written(folder, "a.csv", content), labels, columns)
    return caught.value

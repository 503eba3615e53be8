"""docs/errors.md explains each code once, and the code has no other."""

import pickle
import re
from pathlib import Path

import pytest

from worker.errors import BrokerError, CircuitOpenError, Code, DeviceError, SettingError, WorkerError

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_the_page_explains_each_code_once_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(Code)


def test_each_code_is_given_somewhere() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "worker").rglob("*.py"))
    assert [code for code in Code if not re.search(rf"\bCode\.{code.name}\b", sources)] == []


def test_values_are_the_names_in_snake_case() -> None:
    assert [code for code in Code if code != code.name.lower()] == []


@pytest.mark.parametrize("kind", [WorkerError, SettingError, BrokerError, DeviceError, CircuitOpenError])
def test_an_error_reads_as_its_sentence_and_keeps_its_code(kind: type[WorkerError]) -> None:
    error = kind(Code.TOPIC_MISSING, "there is no topic 'texts'")
    assert str(error) == "there is no topic 'texts'"
    assert error.with_code == "there is no topic 'texts' [topic_missing]"
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.code, str(copied)) == (kind, error.code, str(error))

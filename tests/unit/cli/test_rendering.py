"""Records as lines for a person and as JSON for a program."""

import json
from dataclasses import dataclass

import pytest

from worker.cli.shared.rendering import SHOWN_CHARACTERS, dead_letter_line, event_json, event_line, one_line
from worker.pointer import Pointer

TEXT = Pointer.parse("/text")
VERDICT = {"label": "x", "sentiment": "negative", "polarity": -0.5}


@dataclass
class _Record:
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    key: bytes | None = None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"text": "Hello", "sentiment": VERDICT}, id="enriched"),
        pytest.param({"specversion": "1.0", "data": {"text": "Hello", "sentiment": VERDICT}}, id="cloudevent"),
    ],
)
@pytest.mark.parametrize("frame", [b"", b"\0\0\0\0\7"], ids=["plain", "confluent"])
def test_a_verdict_is_found_wherever_the_format_puts_it(value: dict[str, object], frame: bytes) -> None:
    line = event_line(_Record(frame + json.dumps(value).encode()), TEXT)
    assert line.plain.split() == ["-0.50", "negative", "Hello"]


def test_a_verdict_without_its_text_shows_the_id() -> None:
    line = event_line(_Record(json.dumps({"id": "e-7", **VERDICT}).encode()), TEXT)
    assert line.plain.split() == ["-0.50", "negative", "e-7"]


@pytest.mark.parametrize("value", [None, b"", b"broken", b"[1]", b"{}"], ids=["null", "empty", "broken", "array", "no"])
def test_what_has_no_verdict_is_shown_all_the_same(value: bytes | None) -> None:
    assert "no verdict" in event_line(_Record(value), TEXT).plain


def test_a_texts_control_characters_do_not_reach_the_terminal() -> None:
    assert one_line("a\x1b[31mb\nc\r\x07") == "a [31mb c  "


def test_a_long_text_is_cut() -> None:
    assert len(one_line("x" * 10_000)) == SHOWN_CHARACTERS + 1


def test_a_dead_letter_says_why_and_where() -> None:
    headers = tuple(
        ("__dlq.errors." + name, value)
        for name, value in (
            *(("reason", b"no_text"), ("message", b"nothing there"), ("topic", b"in"), ("partition", b"3")),
            *(("offset", b"9"), ("exception", None)),
        )
    )
    line = dead_letter_line(_Record(b"{}", headers)).plain
    assert "no_text: nothing there" in line
    assert "in/3@9" in line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        pytest.param(b'{"a":  1.0e400}', '{"a":  1.0e400}', id="bytes-kept"),
        pytest.param(b'\0\0\0\0\7{"a":1}', '{"a":1}', id="unframed"),
        pytest.param(b'{\n"a":1\n}', '{ "a":1 }', id="one-line"),
        pytest.param(b"broken", '"broken"', id="not-json"),
        pytest.param(None, "null", id="tombstone"),
    ],
)
def test_an_event_as_json_is_one_line(value: bytes | None, line: str) -> None:
    assert event_json(_Record(value)) == line

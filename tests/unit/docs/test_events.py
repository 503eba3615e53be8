"""docs/events.md: its examples are what the code does, and its tables are complete."""

import re
from pathlib import Path
from typing import Any

import pytest
from unit.codec.events import a_codec, a_fetch, a_record, answer, exactly

from worker.delivery.dead_letters import dead_letter_headers
from worker.errors import Reason, Stage

PAGE = (Path(__file__).parents[3] / "docs" / "events.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"<!-- example: ([a-z ]+?) (in headers|in|out headers|out) -->\n```\w+\n(.*?)```\n", re.DOTALL)
EXAMPLES = {(name, side): content for name, side, content in EXAMPLE.findall(PAGE)}

SETTINGS: dict[str, dict[str, Any]] = {
    "enrich": {},
    "verdict": {"output_mode": "verdict"},
    "pointers": {"text_path": "/review/parts/0/body", "id_path": "/ref/no"},
    "binary": {"output_mode": "verdict"},
    "structured": {"output_mode": "verdict"},
    "dead letter": {},
}
ANSWERED = [name for name in SETTINGS if name != "dead letter"]


def headers_of(name: str, side: str) -> list[tuple[str, bytes]]:
    lines = EXAMPLES.get((name, side), "").splitlines()
    return [(key, value.encode()) for key, value in (line.split(": ", 1) for line in lines)]


def record_of(name: str) -> Any:
    body = EXAMPLES["enrich" if name == "verdict" else name, "in"]
    return a_record(body.encode(), headers_of(name, "in headers"))


def test_every_example_on_the_page_is_checked_here() -> None:
    assert {name for name, _ in EXAMPLES} == set(SETTINGS)
    assert PAGE.count("<!-- example:") == len(EXAMPLES)


@pytest.mark.parametrize("name", ANSWERED)
def test_an_input_on_the_page_is_answered_as_the_page_says(name: str) -> None:
    value, headers = answer(a_codec(**SETTINGS[name]), record_of(name))
    if (name, "out") in EXAMPLES:
        assert exactly(EXAMPLES[name, "out"].encode()) == exactly(value)
    assert list(headers) == (headers_of(name, "out headers") or headers_of(name, "in headers"))


@pytest.mark.parametrize("name", ["binary", "structured"])
def test_an_enriched_cloudevent_keeps_its_headers_as_the_page_says(name: str) -> None:
    assert answer(a_codec(), record_of(name))[1] == headers_of(name, "in headers")


def test_a_dead_letter_has_the_headers_on_the_page() -> None:
    record = record_of("dead letter")
    [rejection] = a_codec().decode([record]).rejected.values()
    headers = dead_letter_headers(a_fetch([record]), 0, rejection, "sentiment-worker")
    assert list(headers) == headers_of("dead letter", "out headers")


def test_every_reason_is_on_the_page_once_with_its_stage() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(reason for reason, _ in rows) == sorted(Reason)
    assert {stage for _, stage in rows} == set(Stage)


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings

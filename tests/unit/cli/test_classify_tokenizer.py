"""``classify`` answers as ``run`` does where the tokenizer fails: one text is a bad line, all of them a sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from failing_tokenizer import Failing

import worker.classifier
from worker.classifier import embed, open_classifier
from worker.classifier.load import load_classifier
from worker.errors import Code
from worker.settings import load_settings


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def on(word: str) -> None:
        loaded = load_classifier(load_settings(device="cpu"))
        classifier = replace(loaded, tokenizer=Failing(loaded.tokenizer, word))
        monkeypatch.setattr(worker.classifier, "load_classifier", lambda settings: classifier, raising=False)

    return on


def test_a_text_that_the_tokenizer_fails_on_is_a_bad_line(
    run: Run, tmp_path: Path, failing: Callable[[str], None]
) -> None:
    failing("secret")
    file = tmp_path / "input"
    file.write_text("Great\nmy secret bomb\nBad\n")
    ran = run("classify", "--file", str(file))
    assert ran.code == 1
    assert [json.loads(line)["text"] for line in ran.lines] == ["Great", "Bad"]
    assert "line 2: the tokenizer fails on this text, even alone, and works on others" in ran.err
    assert "1 of the inputs could not be classified" in ran.err
    assert "secret" not in ran.err


def test_a_tokenizer_that_fails_on_everything_is_one_sentence(run: Run, failing: Callable[[str], None]) -> None:
    failing("")
    ran = run("classify", "Great")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error == Code.TOKENIZER_FAILED
    assert "(Panic)" in ran.err
    assert "Traceback" not in ran.err


def test_a_text_that_the_tokenizer_fails_on_has_no_embedding(
    run: Run, tmp_path: Path, failing: Callable[[str], None]
) -> None:
    failing("secret")
    file = tmp_path / "input.jsonl"
    file.write_text('{"text": "Great"}\n{"text": "my secret bomb"}\n{"no": "text"}\n{"text": "Bad"}\n')
    ran = run("classify", "--embed", "--file", str(file))
    assert ran.code == 1
    lines = [json.loads(line) for line in ran.lines]
    assert [(line["line"], line["text"]) for line in lines] == [(1, "Great"), (4, "Bad")]
    expected = embed(open_classifier("bundled", device="cpu"), ["Great", "Bad"])
    np.testing.assert_allclose([line["embedding"] for line in lines], expected, atol=1e-4)
    assert [line.split(":")[0] for line in ran.err.splitlines()[:2]] == ["line 2", "line 3"]
    assert "2 of the inputs" in ran.err
    assert "secret" not in ran.err


def test_texts_that_all_fail_have_no_embedding_and_one_sentence(run: Run, failing: Callable[[str], None]) -> None:
    failing("")
    ran = run("classify", "--embed", "Great")
    assert (ran.code, ran.out, ran.error) == (1, "", Code.TOKENIZER_FAILED)

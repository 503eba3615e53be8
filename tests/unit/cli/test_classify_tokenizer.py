"""``classify`` answers as ``run`` does where the tokenizer fails: one text is a bad line, all of them a sentence."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Run

import worker.classifier
from worker.classifier.load import load_classifier
from worker.errors import Code
from worker.settings import load_settings
from worker.tokens import TextTokenizer, Tokens


class Panic(BaseException):
    """As a Rust extension panics: no Exception. Its words quote the text, as a panic's may."""


class Failing:
    """The tokenizer of a classifier, which fails on each list of texts with a certain word in it."""

    name = "failing"

    def __init__(self, tokenizer: TextTokenizer, word: str) -> None:
        self.tokenizer, self.word = tokenizer, word

    def encode(self, texts: Sequence[str]) -> Tokens:
        for text in texts:
            if self.word in text:
                raise Panic(text)
        return self.tokenizer.encode(texts)


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
